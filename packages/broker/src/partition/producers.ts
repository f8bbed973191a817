import { type BatchHeader, ProtocolError } from "@ottla/protocol";

/** A producer may have five requests in flight, so the answer to any of them may be lost and be asked for again (KIP-98). */
const BATCHES_REMEMBERED = 5;
const LARGEST_SEQUENCE = 2_147_483_647;

/** A batch that a producer appended, as far as a resend needs it. */
export interface ProducedBatch {
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** -1 unless the topic stamps append time. */
  readonly appendTimeMs: number;
}

export interface ProducerState {
  epoch: number;
  /** By the broker's wall clock. The records' own times do not matter: they may lie years back. */
  lastActiveMs: number;
  /** The last five, oldest first, never empty. */
  readonly batches: ProducedBatch[];
}

/** What one partition knows of its idempotent producers. At most `limit` of them: the one silent longest gives way. */
export class Producers {
  readonly #limit: number;
  /** In order of activity, the one silent longest first. */
  readonly #states = new Map<number, ProducerState>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#states.size;
  }

  entries(): IterableIterator<[producerId: number, state: ProducerState]> {
    return this.#states.entries();
  }

  /** What of this state the log from `offset` on does not tell: the batches that lie below it. */
  below(offset: number): Producers {
    const earlier = new Producers(this.#limit);
    for (const [producerId, { epoch, lastActiveMs, batches }] of this.#states) {
      const kept = batches.filter(({ lastOffset }) => lastOffset < offset);
      if (kept.length > 0) earlier.restore(producerId, { epoch, lastActiveMs, batches: kept });
    }
    return earlier;
  }

  restore(producerId: number, state: ProducerState): void {
    this.#states.set(producerId, state);
  }

  /** Decides whether a batch comes next in its producer's sequence.
   * @returns the batch that was appended before when this is its resend, else null
   * @throws ProtocolError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER
   * @see KIP-98, KIP-360 and KAFKA-15591 for a producer without state */
  check(header: BatchHeader, logEndOffset: number): ProducedBatch | null {
    const { producerId, producerEpoch, baseSequence, lastSequence } = header;
    if (producerId < 0) return null;
    const state = this.#states.get(producerId);
    if (state === undefined) {
      if (baseSequence === 0 || logEndOffset > 0) return null;
      throw outOfOrder(header, "this empty partition", 0);
    }
    if (producerEpoch < state.epoch) {
      throw new ProtocolError(
        "INVALID_PRODUCER_EPOCH",
        `Producer ${producerId} sent epoch ${producerEpoch}, but epoch ${state.epoch} has written to this partition: a newer instance has taken over`,
        { notAppended: true },
      );
    }
    if (producerEpoch > state.epoch) {
      if (baseSequence === 0) return null;
      throw outOfOrder(header, `a new epoch after ${state.epoch}`, 0);
    }
    for (const batch of state.batches) if (batch.baseSequence === baseSequence && batch.lastSequence === lastSequence) return batch;
    const last = state.batches.at(-1)?.lastSequence ?? -1;
    const expected = last === LARGEST_SEQUENCE ? 0 : last + 1;
    if (baseSequence === expected) return null;
    throw outOfOrder(header, `sequence ${last}`, expected);
  }

  /** Notes a batch that is in the log. */
  record(header: BatchHeader, baseOffset: number, nowMs: number, appendTimeMs: number): void {
    const { producerId, producerEpoch, baseSequence, lastSequence, lastOffsetDelta } = header;
    if (producerId < 0 || header.isControl) return;
    const batch: ProducedBatch = { baseSequence, lastSequence, baseOffset, lastOffset: baseOffset + lastOffsetDelta, appendTimeMs };
    const state = this.#states.get(producerId);
    if (state === undefined || producerEpoch > state.epoch) {
      this.#states.delete(producerId);
      this.#states.set(producerId, { epoch: producerEpoch, lastActiveMs: nowMs, batches: [batch] });
      if (this.#states.size > this.#limit) this.#forgetOldest();
      return;
    }
    if (state.batches.length === BATCHES_REMEMBERED) state.batches.shift();
    state.batches.push(batch);
    state.lastActiveMs = nowMs;
    this.#states.delete(producerId);
    this.#states.set(producerId, state);
  }

  /** Forgets producers silent since before `beforeMs`. */
  expire(beforeMs: number): void {
    for (const [producerId, state] of this.#states) {
      if (state.lastActiveMs >= beforeMs) return;
      this.#states.delete(producerId);
    }
  }

  #forgetOldest(): void {
    const oldest = this.#states.keys().next();
    if (!oldest.done) this.#states.delete(oldest.value);
  }
}

function outOfOrder(header: BatchHeader, after: string, expected: number): ProtocolError {
  return new ProtocolError(
    "OUT_OF_ORDER_SEQUENCE_NUMBER",
    `Producer ${header.producerId} (epoch ${header.producerEpoch}) sent sequence ${header.baseSequence} after ${after}, where ${expected} comes next: records before these are missing`,
    { notAppended: true },
  );
}
