import type { Replica } from "./replica.ts";

/** Moves the start of a follower's log up to where its leader's is. */
export class StartRaiser {
  readonly #replica: Replica;
  /** Whether the log may be changed at present. */
  readonly #free: () => boolean;
  #wanted = 0;
  #raising = false;

  constructor(replica: Replica, free: () => boolean) {
    this.#replica = replica;
    this.#free = free;
  }

  wants(offset: number): void {
    this.#wanted = offset;
    if (offset > this.#replica.log.startOffset && !this.#raising) void this.#raise();
  }

  /** P18: never beyond what is committed. The producers are saved first: nothing else tells of those whose batches go. */
  async #raise(): Promise<void> {
    this.#raising = true;
    const { log, producers, around, name } = this.#replica;
    try {
      for (;;) {
        const offset = Math.min(this.#wanted, this.#replica.highWatermark, log.endOffset);
        if (offset <= log.startOffset || !this.#free() || !producers.trusted) return;
        await producers.save();
        if (!this.#free()) return;
        await log.deleteRecordsTo(offset);
      }
    } catch (error) {
      around.logger.warn({ partition: name, err: error }, "A follower cannot delete what its leader has deleted; it is tried again");
    } finally {
      this.#raising = false;
    }
  }
}
