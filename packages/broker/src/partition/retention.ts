import type { Clock, Logger, Timer } from "@ottla/host";
import type { Partition } from "./partition.ts";
import type { Partitions } from "./partitions.ts";

/** Partitions looked at in one go; then others have their turn. */
const BATCH = 100;
const PAUSE_MS = 10;

/** Deletes what is past its time or size, every `intervalMs`, a few partitions at a time. */
export class Retention {
  readonly #clock: Clock;
  readonly #partitions: Partitions;
  readonly #intervalMs: number;
  readonly #logger: Logger;
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(clock: Clock, partitions: Partitions, intervalMs: number, logger: Logger) {
    this.#clock = clock;
    this.#partitions = partitions;
    this.#intervalMs = intervalMs;
    this.#logger = logger;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  #arm(): void {
    if (!this.#stopped) this.#timer = this.#clock.after(this.#intervalMs, () => this.#sweep([...this.#partitions.all()].reverse()));
  }

  /** `left` is what remains to be looked at, from its end. */
  #sweep(left: Partition[]): void {
    this.#running = this.#some(left).then(() => {
      if (this.#stopped) return;
      if (left.length === 0) this.#arm();
      else this.#timer = this.#clock.after(PAUSE_MS, () => this.#sweep(left));
    });
  }

  async #some(left: Partition[]): Promise<void> {
    for (const partition of left.splice(-BATCH)) {
      if (this.#stopped) return;
      try {
        const deleted = await partition.applyRetention(this.#clock.wallMs());
        if (deleted > 0)
          this.#logger.info(
            { topic: partition.topicName, partition: partition.index, segments: deleted, startOffset: partition.log.startOffset },
            "Retention deleted segments",
          );
      } catch (error) {
        this.#logger.error(
          { topic: partition.topicName, partition: partition.index, err: error },
          "Retention failed for a partition; it is tried again at the next check",
        );
      }
    }
  }
}
