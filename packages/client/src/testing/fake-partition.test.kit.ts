import type { pb } from "@ottla/protocol";
import { decodeBatchSync, ProtocolError, readBatchHeader, setBaseOffset, setLeaderEpoch, type DecodedRecord } from "@ottla/protocol";

interface ProducerState {
  readonly epoch: number;
  lastSequence: number;
  /** The newest five. */
  recent: { first: number; last: number; offset: number }[];
}

/** One partition as a correct broker keeps it: offsets, idempotence as in P17, nothing else. */
export class FakePartition {
  leader: number;
  leaderEpoch = 0;
  adding: number[] = [];
  removing: number[] = [];
  startOffset = 0;
  endOffset = 0;
  maxBatchBytes = 1_048_588;
  /** Offsets whose bytes do not verify. */
  damaged: { readonly from: number; readonly until: number } | null = null;
  batches: { baseOffset: number; lastOffset: number; bytes: Uint8Array; maxTimestamp: number }[] = [];
  readonly #producers = new Map<string, ProducerState>();

  constructor(leader: number) {
    this.leader = leader;
  }

  /** Returns the base offset; that of the first append for a repetition. */
  append(received: Uint8Array): number {
    const header = readBatchHeader(received);
    if (received.length > this.maxBatchBytes)
      throw new ProtocolError("MESSAGE_TOO_LARGE", `a batch of ${received.length} bytes exceeds max.message.bytes=${this.maxBatchBytes}`, {
        notAppended: true,
      });
    const known = this.#check(header);
    if (known !== null) return known;
    const bytes = received.slice();
    setBaseOffset(bytes, this.endOffset);
    setLeaderEpoch(bytes, this.leaderEpoch);
    const baseOffset = this.endOffset;
    this.endOffset += header.recordCount;
    this.batches.push({ baseOffset, lastOffset: this.endOffset - 1, bytes, maxTimestamp: header.maxTimestamp });
    if (header.producerId >= 0) this.#remember(header, baseOffset);
    return baseOffset;
  }

  /** As after the loss of all producer state. */
  forgetProducers(): void {
    this.#producers.clear();
  }

  records(): DecodedRecord[] {
    return this.batches.flatMap(({ bytes }) => decodeBatchSync(bytes)).filter(({ offset }) => offset >= this.startOffset);
  }

  read(from: number, maxBytes: number): Uint8Array {
    if (from < this.startOffset || from > this.endOffset)
      throw new ProtocolError("OFFSET_OUT_OF_RANGE", `offset ${from} is not in ${this.startOffset} to ${this.endOffset}`);
    const { damaged } = this;
    if (damaged !== null && from >= damaged.from && from < damaged.until)
      throw new ProtocolError("KAFKA_STORAGE_ERROR", `Cannot read offsets ${damaged.from} to ${damaged.until - 1}: 0.log is damaged`);
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for (const batch of this.batches) {
      if (batch.lastOffset < from) continue;
      if (damaged !== null && from < damaged.from && batch.baseOffset >= damaged.from) break;
      if (parts.length > 0 && bytes + batch.bytes.length > maxBytes) break;
      parts.push(batch.bytes);
      bytes += batch.bytes.length;
    }
    return Buffer.concat(parts);
  }

  offsetFor(timestamp: number): { offset: number; timestamp: number } {
    if (timestamp === -1) return { offset: this.endOffset, timestamp: -1 };
    if (timestamp === -2) return { offset: this.startOffset, timestamp: -1 };
    const records = this.records();
    const found =
      timestamp === -3
        ? records.toSorted((one, other) => other.timestamp - one.timestamp)[0]
        : records.find((record) => record.timestamp >= timestamp);
    return found === undefined ? { offset: -1, timestamp: -1 } : { offset: found.offset, timestamp: found.timestamp };
  }

  #check({ producerId, producerEpoch, baseSequence, lastSequence }: ReturnType<typeof readBatchHeader>): number | null {
    if (producerId < 0) return null;
    const state = this.#producers.get(`${producerId}/${producerEpoch}`);
    const repeated = state?.recent.find(({ first, last }) => first === baseSequence && last === lastSequence);
    if (repeated !== undefined) return repeated.offset;
    const expected = state === undefined ? (this.endOffset === 0 ? 0 : baseSequence) : (state.lastSequence + 1) % 2 ** 31;
    if (baseSequence !== expected)
      throw new ProtocolError("OUT_OF_ORDER_SEQUENCE_NUMBER", `sequence ${baseSequence} comes, ${expected} is expected`, {
        notAppended: true,
      });
    return null;
  }

  #remember({ producerId, producerEpoch, baseSequence, lastSequence }: ReturnType<typeof readBatchHeader>, offset: number): void {
    const key = `${producerId}/${producerEpoch}`;
    const state = this.#producers.get(key) ?? { epoch: producerEpoch, lastSequence: -1, recent: [] };
    state.lastSequence = lastSequence;
    state.recent = [...state.recent.slice(-4), { first: baseSequence, last: lastSequence, offset }];
    this.#producers.set(key, state);
  }
}

export function describe(partition: FakePartition, index: number): pb.PartitionMetadata {
  return {
    partition: index,
    leader: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicas: [partition.leader],
    isr: [partition.leader],
    offline: [],
    elr: [],
    adding: partition.adding,
    removing: partition.removing,
    minInSync: 1,
  };
}
