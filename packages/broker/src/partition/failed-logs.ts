import type { Timer } from "@ottla/host";
import type { Slots } from "../slots.ts";
import type { Partition } from "./partition.ts";
import type { PartitionSurroundings } from "./surroundings.ts";

/** How often a log that failed is tried again. */
const REOPEN_EVERY_MS = 1000;

/** Takes logs that latched shut back into service once the disk allows it. */
export class FailedLogs {
  readonly #around: PartitionSurroundings;
  readonly #slots: Slots;
  readonly #all: () => Iterable<Partition>;
  #timer: Timer | null = null;
  #reopening: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(around: PartitionSurroundings, slots: Slots, all: () => Iterable<Partition>) {
    this.#around = around;
    this.#slots = slots;
    this.#all = all;
  }

  /** One of them has failed. */
  watch(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = this.#around.clock.after(REOPEN_EVERY_MS, () => {
      this.#timer = null;
      this.#reopening = this.#reopen();
    });
  }

  stop(): void {
    this.#closed = true;
  }

  async close(): Promise<void> {
    this.stop();
    this.#timer?.cancel();
    await this.#reopening;
  }

  async #reopen(): Promise<void> {
    const failed = [...this.#all()].filter((partition) => partition.failed);
    if (failed.length > 0 && !this.#around.directory.freeSpace.low) {
      await Promise.all(
        failed.map((partition) =>
          this.#slots
            .run(() => partition.reopen())
            .catch((error: unknown) =>
              this.#around.logger.error(
                { topic: partition.topicName, partition: partition.index, err: error },
                "A log that failed cannot be reopened yet",
              ),
            ),
        ),
      );
    }
    if (failed.some((partition) => partition.failed)) this.watch();
  }
}
