import { type Clock, delay, type Logger } from "@ottla/host";
import type { ClusterImage } from "@ottla/metadata";
import { type Uuid, uuidFromBytes, uuidToBytes } from "@ottla/protocol";
import type { Partitions } from "../partition/partitions.ts";

const RETRY_MS = 1000;

export interface DeletionsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly image: ClusterImage;
  readonly partitions: Partitions;
  readonly nodeId: number;
  readonly directoryId: Uuid;
  confirm(topicIds: Uint8Array[]): Promise<unknown>;
}

/** Removes the logs of deleted topics, and tells the controllers when none is left in this directory: until then the deletion is remembered. */
export class Deletions {
  readonly #options: DeletionsOptions;
  readonly #stop = new AbortController();
  readonly #known = new Set<Uuid>();
  readonly #stopped: Promise<never>;
  #running: Promise<void> = Promise.resolve();

  constructor(options: DeletionsOptions) {
    this.#options = options;
    this.#stopped = new Promise((_, reject) =>
      this.#stop.signal.addEventListener("abort", () => reject(this.#stop.signal.reason), { once: true }),
    );
    this.#stopped.catch(() => {});
  }

  /** Called after each change of the image. */
  check(): void {
    const { image, nodeId, directoryId } = this.#options;
    for (const id of this.#known) if (!image.deletedTopics.has(id)) this.#known.delete(id);
    const owed = [...image.deletedTopics].filter(
      ([id, { homes }]) =>
        !this.#known.has(id) && homes.some((home) => home.nodeId === nodeId && uuidFromBytes(home.directoryId) === directoryId),
    );
    if (owed.length === 0) return;
    const ids = owed.map(([id]) => id);
    for (const id of ids) this.#known.add(id);
    this.#running = Promise.all([this.#running, this.#carryOut(ids)]).then(() => {});
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("the broker stops"));
    await this.#running;
  }

  async #carryOut(ids: readonly Uuid[]): Promise<void> {
    const { clock, partitions, confirm, logger } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        for (const id of ids) await partitions.remove(id);
        // A controller that does not answer must not hold up the end of the broker: it will be told by the next start.
        await Promise.race([confirm(ids.map(uuidToBytes)), this.#stopped]);
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        logger.warn({ topics: ids.length, err: error }, "The logs of deleted topics are not confirmed as removed yet; it is tried again");
        await delay(clock, RETRY_MS, this.#stop.signal).catch(() => {});
      }
    }
  }
}
