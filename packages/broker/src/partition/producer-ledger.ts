import type { Logger } from "@ottla/host";
import type { Log } from "@ottla/log";
import type { BatchHeader } from "@ottla/protocol";
import type { ProducerStore } from "./producer-store.ts";
import type { ProducedBatch, Producers } from "./producers.ts";

/** Rebuilding the state reads at most about so many batch headers, or the headers of so many bytes. */
const SNAPSHOT_EVERY_BATCHES = 20_000;
const SNAPSHOT_EVERY_BYTES = 256 * 1024 * 1024;
/** At a clean stop fewer headers are sooner read again than a snapshot is written. */
const SNAPSHOT_WORTH_BATCHES = 32;

/** The producers of one partition, kept in step with its log, with a snapshot on the disk now and then. */
export class ProducerLedger {
  readonly #log: Log;
  readonly #store: ProducerStore;
  readonly #logger: Logger;
  #producers: Producers;
  #unsavedBatches: number;
  #unsavedBytes = 0;
  /** What a failed log took back is still in here: nothing of it is to be believed, or written down, until it is read again. */
  #stale = false;

  private constructor(log: Log, store: ProducerStore, logger: Logger, loaded: { producers: Producers; batchesRead: number }) {
    this.#log = log;
    this.#store = store;
    this.#logger = logger;
    this.#producers = loaded.producers;
    this.#unsavedBatches = loaded.batchesRead;
  }

  static async open(log: Log, store: ProducerStore, logger: Logger, nowMs: number): Promise<ProducerLedger> {
    return new ProducerLedger(log, store, logger, await store.load(log, nowMs));
  }

  /** False from a failure of the log until {@link reopen} has succeeded. */
  get trusted(): boolean {
    return !this.#stale && this.#log.failure === null;
  }

  /** What lies below it the log may lose. */
  get savedOffset(): number {
    return this.#store.savedOffset;
  }

  /** @returns the batch that was appended before when this is its resend, else null
   * @throws ProtocolError as {@link Producers.check} */
  check(header: BatchHeader): ProducedBatch | null {
    return this.#producers.check(header, this.#log.endOffset);
  }

  /** Notes a batch that was just appended. */
  record(header: BatchHeader, baseOffset: number, nowMs: number, appendTimeMs: number): void {
    this.#producers.record(header, baseOffset, nowMs, appendTimeMs);
    this.#unsavedBatches++;
    this.#unsavedBytes += header.sizeBytes;
    if (this.#unsavedBatches < SNAPSHOT_EVERY_BATCHES && this.#unsavedBytes < SNAPSHOT_EVERY_BYTES) return;
    this.save().catch((error: unknown) => {
      this.#logger.warn({ log: this.#log.name, err: error }, "Cannot write a snapshot of producers; the next open reads more of the log");
    });
  }

  expire(beforeMs: number): void {
    this.#producers.expire(beforeMs);
  }

  /** Resolves once a snapshot tells of everything that is in the log now. */
  async save(): Promise<void> {
    const { endOffset } = this.#log;
    this.#unsavedBatches = 0;
    this.#unsavedBytes = 0;
    while (this.#store.savedOffset < endOffset) {
      if (!this.trusted) throw new Error(`The producers of log ${this.#log.name} are not known while it recovers from a failure`);
      await this.#store.save(this.#log, this.#producers);
    }
  }

  /** Before a clean stop. */
  async settle(): Promise<void> {
    if (this.trusted && this.#unsavedBatches >= SNAPSHOT_WORTH_BATCHES) await this.save();
  }

  /** Takes the log back into service; it has lost its newest batches, and with them what is known of their producers. */
  async reopen(nowMs: number): Promise<void> {
    this.#stale = true;
    await this.#log.reopen();
    const { producers, batchesRead } = await this.#store.load(this.#log, nowMs);
    this.#producers = producers;
    this.#unsavedBatches = batchesRead;
    this.#unsavedBytes = 0;
    this.#stale = false;
  }
}
