import type { Clock, Session, Timer } from "@ottla/host";
import { encodeFrame } from "../frames.ts";
import type { Attachment } from "./attachment.ts";

/** A watermark that goes with no data waits this long for others. */
const WATERMARK_MS = 40;

/** Tells a follower high watermarks and log starts that go with no data. */
export class Watermarks {
  readonly #clock: Clock;
  readonly #session: Session;
  readonly #moved = new Set<Attachment>();
  #timer: Timer | null = null;
  #telling = false;

  constructor(clock: Clock, session: Session) {
    this.#clock = clock;
    this.#session = session;
  }

  moved(attachment: Attachment): void {
    this.#moved.add(attachment);
    this.#timer ??= this.#clock.after(WATERMARK_MS, () => this.#tell());
  }

  forget(attachment: Attachment): void {
    this.#moved.delete(attachment);
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#moved.clear();
  }

  #tell(): void {
    this.#timer = null;
    if (this.#telling) {
      // The follower takes nothing at present.
      this.#timer = this.#clock.after(WATERMARK_MS, () => this.#tell());
      return;
    }
    const partitions = [...this.#moved].flatMap((attachment) => attachment.watermark() ?? []);
    this.#moved.clear();
    if (partitions.length === 0) return;
    this.#telling = true;
    this.#session
      .send(encodeFrame("watermarks", { partitions }))
      .catch(() => {})
      .finally(() => (this.#telling = false));
  }
}
