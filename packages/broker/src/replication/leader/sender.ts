import type { Clock, Session, Timer } from "@ottla/host";
import { encodeFrame } from "../frames.ts";
import type { Attachment, AttachmentOwner, Piece } from "./attachment.ts";
import { Throttle } from "./throttle.ts";
import { Watermarks } from "./watermarks.ts";

const FRAME_BYTES = 1 << 20;
/** Data frames sent and not yet taken in: the rest joins the next one, so that small batches travel together while the follower works. */
const FRAMES_IN_FLIGHT = 2;
/** Reads from the disk at a time for one follower, each of a frame's size: what a follower that lags costs its leader. */
const READS_AT_ONCE = 2;

export interface SenderOptions {
  readonly session: Session;
  readonly nodeId: number;
  readonly clock: Clock;
  /** Whether a partition is still fed: what is not any more is passed over. */
  isFed(attachment: Attachment): boolean;
  ended(attachment: Attachment): void;
  /** What comes next for a partition cannot be read. */
  unreadable(attachment: Attachment, error: unknown): void;
}

/** Sends what a follower's partitions have for it: a frame holds parts of many, each in its turn. */
export class Sender implements AttachmentOwner {
  readonly #options: SenderOptions;
  readonly #watermarks: Watermarks;
  readonly #throttle: Throttle;
  #queue: Attachment[] = [];
  readonly #throttled = new Set<Attachment>();
  #pumping: Timer | null = null;
  #throttleTimer: Timer | null = null;
  #framesSent = 0;
  #framesTaken = 0;
  #reads = 0;
  #ended = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#throttle = new Throttle(options.clock);
    this.#watermarks = new Watermarks(options.clock, options.session);
  }

  get framesSent(): number {
    return this.#framesSent;
  }

  end(): void {
    this.#ended = true;
    this.#pumping?.cancel();
    this.#throttleTimer?.cancel();
    this.#watermarks.end();
    this.#queue = [];
  }

  ready(attachment: Attachment): void {
    if (attachment.queued || this.#ended) return;
    attachment.queued = true;
    this.#queue.push(attachment);
    this.#pumpSoon();
  }

  moved(attachment: Attachment): void {
    this.#watermarks.moved(attachment);
  }

  ended(attachment: Attachment): void {
    this.#options.ended(attachment);
  }

  detached(attachment: Attachment): void {
    this.#throttled.delete(attachment);
    this.#watermarks.forget(attachment);
  }

  /** The follower has taken in so many data frames, and has memory for more. */
  taken(frames: number): void {
    this.#framesTaken = Math.max(this.#framesTaken, frames);
    this.#pump();
  }

  /** What a turn brings goes out together. */
  #pumpSoon(): void {
    this.#pumping ??= this.#options.clock.soon(() => {
      this.#pumping = null;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#ended && this.#framesSent - this.#framesTaken < FRAMES_IN_FLIGHT && this.#queue.length > 0) {
      const pieces = this.#gather();
      if (pieces.length === 0) return;
      this.#framesSent++;
      const bodies: Uint8Array[] = [];
      for (const piece of pieces) for (const body of piece.bodies) bodies.push(body);
      const frame = encodeFrame("data", { parts: pieces.map(({ part }) => part) }, bodies);
      // Who reads the session hears of its end.
      this.#options.session.send(frame).catch(() => {});
    }
  }

  /** One frame's worth, each partition in its turn. */
  #gather(): Piece[] {
    const pieces: Piece[] = [];
    let room = FRAME_BYTES;
    const again: Attachment[] = [];
    for (let left = this.#queue.length; left > 0 && room > 0; left--) {
      const attachment = this.#queue.shift();
      if (attachment === undefined) break;
      if (!this.#options.isFed(attachment)) continue;
      if (this.#isThrottled(attachment)) {
        attachment.queued = false;
        continue;
      }
      const taken = attachment.take(room, pieces.length === 0);
      if (taken === "later") {
        // It is the first of the next frame.
        this.#queue.unshift(attachment);
        break;
      }
      if (taken === "read" && this.#reads >= READS_AT_ONCE) {
        again.push(attachment);
        continue;
      }
      attachment.queued = false;
      if (taken === "read") void this.#read(attachment);
      if (typeof taken === "string") continue;
      pieces.push(taken);
      room -= taken.part.sizeBytes;
      attachment.leader.replica.traffic.replicatedOut(taken.part.sizeBytes);
      if (this.#rateOf(attachment) > 0) this.#throttle.charge(taken.part.sizeBytes);
      if (attachment.hasMore) {
        attachment.queued = true;
        again.push(attachment);
      }
    }
    this.#queue.push(...again);
    return pieces;
  }

  async #read(attachment: Attachment): Promise<void> {
    this.#reads++;
    try {
      await attachment.read(FRAME_BYTES);
    } catch (error) {
      if (!this.#ended && this.#options.isFed(attachment)) this.#options.unreadable(attachment, error);
    } finally {
      this.#reads--;
      if (this.#options.isFed(attachment)) this.ready(attachment);
      else if (!this.#ended) this.#pumpSoon();
    }
  }

  #rateOf({ leader }: Attachment): number {
    const { adding, addingRate } = leader.record;
    return addingRate > 0 && adding.includes(this.#options.nodeId) ? addingRate : 0;
  }

  #isThrottled(attachment: Attachment): boolean {
    const rate = this.#rateOf(attachment);
    const waitMs = rate === 0 ? 0 : this.#throttle.waitMs(rate);
    if (waitMs <= 0) return false;
    this.#throttled.add(attachment);
    this.#throttleTimer ??= this.#options.clock.after(waitMs, () => {
      this.#throttleTimer = null;
      const waiting = [...this.#throttled];
      this.#throttled.clear();
      for (const each of waiting) if (each.hasMore && this.#options.isFed(each)) this.ready(each);
    });
    return true;
  }
}
