import type { Logger } from "@ottla/host";
import type { Log } from "@ottla/log";
import type { BatchHeader } from "@ottla/protocol";
import { encodeProducerSnapshot } from "./producer-snapshot.ts";
import type { ProducerStore } from "./producer-store.ts";
import type { ProducedBatch, Producers, ProducerState } from "./producers.ts";

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
  #rewinds = 0;
  #rewinding: Promise<void> = Promise.resolve();

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

  entries(): Iterable<[producerId: number, state: ProducerState]> {
    return this.#producers.entries();
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
    // A failure, or a cut, may take the log's end back meanwhile: what is gone needs no snapshot.
    while (this.#store.savedOffset < Math.min(endOffset, this.#log.endOffset)) {
      if (!this.trusted) throw new Error(`The producers of log ${this.#log.name} are not known while it recovers or is cut`);
      await this.#store.save(this.#log, this.#producers);
    }
  }

  /** Before a clean stop. */
  async settle(): Promise<void> {
    if (this.trusted && this.#unsavedBatches >= SNAPSHOT_WORTH_BATCHES) await this.save();
  }

  /** Takes the log back into service; it has lost its newest batches, and with them what is known of their producers. */
  reopen(nowMs: number): Promise<void> {
    return this.rewind(nowMs, () => this.#log.reopen());
  }

  /** For a follower whose log begins at `offset`: with the batches from there on it will know what is known here. */
  snapshotAt(offset: number): Uint8Array {
    return encodeProducerSnapshot(offset, this.#producers.below(offset));
  }

  /** Puts a leader's snapshot beside the log, durably: it counts once the log begins at `offset`.
   * @throws Error when it does not verify */
  keep(offset: number, snapshot: Uint8Array): Promise<void> {
    return this.#store.keep(this.#log, offset, snapshot);
  }

  /** Runs what takes the log's end back, then reads again what is left of the producers. One after the other. */
  rewind(nowMs: number, job: () => Promise<void>): Promise<void> {
    this.#stale = true;
    this.#rewinds++;
    const before = this.#rewinding;
    const rewound = before.then(() => this.#rewind(nowMs, job)).finally(() => this.#rewinds--);
    this.#rewinding = rewound.catch(() => {});
    return rewound;
  }

  async #rewind(nowMs: number, job: () => Promise<void>): Promise<void> {
    await job();
    const { producers, batchesRead } = await this.#store.load(this.#log, nowMs);
    this.#producers = producers;
    this.#unsavedBatches = batchesRead;
    this.#unsavedBytes = 0;
    this.#stale = this.#rewinds > 1;
  }
}
