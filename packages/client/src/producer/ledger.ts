import type { ErrorName } from "@ottla/protocol";
import type { Batch, Watcher } from "./batch.ts";
import type { Lane } from "./lane.ts";
import { deliveryError } from "./verdict.ts";

/** Knows what is buffered, and tells those who wait for a record what became of it. */
export class Ledger {
  readonly #freed: () => void;
  #bufferedBytes = 0;

  /** `freed`: bytes have left the buffer. */
  constructor(freed: () => void) {
    this.#freed = freed;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  add(bytes: number): void {
    this.#bufferedBytes += bytes;
  }

  /** `baseOffset` and `appendTimeMs` are -1 when the broker does not say. */
  deliver(lane: Lane, batch: Batch, baseOffset: number, appendTimeMs: number): void {
    lane.acknowledged(batch);
    const { name: topic } = lane.topic;
    const { partition } = lane;
    for (let index = 0; index < batch.deliveries.length; index++) {
      const record = batch.records[index];
      const delivery = batch.deliveries[index];
      if (record === undefined || delivery === undefined) break;
      const offset = baseOffset < 0 ? -1 : baseOffset + index;
      delivery.delivered({ topic, partition, offset, timestamp: appendTimeMs < 0 ? record.timestamp : appendTimeMs });
    }
    this.#settle(batch);
  }

  /** `uncertain`: the last try may have been appended. */
  fail(lane: Lane, batch: Batch, error: ErrorName, why: string, uncertain: boolean, cause: unknown): void {
    if (batch.settled) return;
    const unknown = uncertain || batch.uncertain;
    lane.drop(batch, !unknown);
    const failure = deliveryError(lane, batch, error, why, unknown, cause);
    for (const delivery of batch.deliveries) delivery.failed(failure);
    this.#settle(batch);
  }

  #settle(batch: Batch): void {
    batch.settled = true;
    this.#bufferedBytes -= batch.bytes;
    for (const watcher of batch.watchers) if (--watcher.remaining === 0) watcher.done();
    this.#freed();
  }
}

/** Resolves once every batch that the lanes hold now is settled. */
export function allSettled(lanes: Iterable<Lane>): Promise<void> {
  return new Promise((resolve) => {
    const watcher: Watcher = { remaining: 1, done: resolve };
    for (const lane of lanes) {
      for (const batch of lane.batches()) {
        batch.watchers.push(watcher);
        watcher.remaining++;
      }
    }
    if (--watcher.remaining === 0) resolve();
  });
}
