import { batchCrcMatches, type BatchHeader, readBatchHeader } from "@ottla/protocol";

/** A batch as it was handed to a disk. */
export interface WrittenBatch {
  readonly path: string;
  readonly position: number;
  readonly sizeBytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  readonly crc: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
  durable: boolean;
}

/** What one replica's files hold, followed from outside: the batches in order, and which of them a sync has made durable. */
export class ReplicaLog {
  /** By offset, contiguous. */
  readonly batches: WrittenBatch[] = [];
  #durable = 0;

  get firstOffset(): number {
    return this.batches[0]?.baseOffset ?? 0;
  }

  get endOffset(): number {
    const last = this.batches.at(-1);
    return last === undefined ? 0 : last.lastOffset + 1;
  }

  /** Below it everything has been synced. */
  get durableOffset(): number {
    const { batches } = this;
    while (this.#durable < batches.length && batches[this.#durable]?.durable === true) this.#durable += 1;
    const last = batches[this.#durable - 1];
    return last === undefined ? this.firstOffset : last.lastOffset + 1;
  }

  /** The index of the first batch that ends at the offset or behind it; as many as there are if none does. */
  indexOf(offset: number): number {
    let low = 0;
    let high = this.batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.batches[middle]?.lastOffset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @returns what is new, and the batches that it has replaced */
  write(path: string, position: number, parts: readonly Uint8Array[]): { added: WrittenBatch[]; gone: WrittenBatch[] } {
    const added: WrittenBatch[] = [];
    let at = position;
    for (const part of parts)
      for (let from = 0; from < part.byteLength;) {
        const header = readBatchHeader(part, from);
        added.push(written(path, at, header));
        from += header.sizeBytes;
        at += header.sizeBytes;
      }
    // Recovery writes bytes over themselves, so that the next sync takes them along.
    while (added[0] !== undefined && this.#held(added[0]) !== null) added.shift();
    const first = added[0];
    const gone = first === undefined ? [] : this.#cutAt(this.indexOf(first.baseOffset));
    this.batches.push(...added);
    return { added, gone };
  }

  truncate(path: string, size: number): WrittenBatch[] {
    const at = this.batches.findIndex((batch) => batch.path === path && batch.position >= size);
    if (at < 0) return [];
    this.#durable = Math.min(this.#durable, at);
    return this.batches.splice(at, this.#countFrom(at, path));
  }

  /** A segment is gone. */
  remove(path: string): WrittenBatch[] {
    return this.truncate(path, 0);
  }

  #cutAt(index: number): WrittenBatch[] {
    this.#durable = Math.min(this.#durable, index);
    return this.batches.splice(index);
  }

  /** Takes up a segment as it is found: what verifies, and what a former look knew to be durable.
   * @returns false when something else follows */
  read(path: string, bytes: Uint8Array, former: ReplicaLog | undefined): boolean {
    for (let at = 0; at < bytes.byteLength;) {
      const known = former?.batches.find((batch) => batch.durable && batch.path === path && batch.position === at);
      const header = known === undefined && batchCrcMatches(bytes, at) ? readBatchHeader(bytes, at) : null;
      if (known !== undefined && at + known.sizeBytes <= bytes.byteLength) this.batches.push(known);
      else if (header !== null && (this.batches.length === 0 || header.baseOffset === this.endOffset))
        this.batches.push({ ...written(path, at, header), durable: true });
      else return false;
      at += this.batches.at(-1)?.sizeBytes ?? 0;
    }
    return true;
  }

  /** What is there when a sync of the file begins, and what it will have made durable. */
  unsynced(path: string): WrittenBatch[] {
    const found: WrittenBatch[] = [];
    for (let at = this.batches.length - 1; at >= 0; at -= 1) {
      const batch = this.batches[at];
      if (batch === undefined || batch.path !== path) {
        if (found.length > 0) break;
        continue;
      }
      if (batch.durable) break;
      found.push(batch);
    }
    return found;
  }

  #held({ path, position, baseOffset, leaderEpoch, crc }: WrittenBatch): WrittenBatch | null {
    const held = this.batches[this.indexOf(baseOffset)];
    if (held?.path !== path || held.position !== position || held.baseOffset !== baseOffset) return null;
    return held.leaderEpoch === leaderEpoch && held.crc === crc ? held : null;
  }

  #countFrom(at: number, path: string): number {
    let count = 0;
    while (this.batches[at + count]?.path === path) count += 1;
    return count;
  }
}

function written(path: string, position: number, header: BatchHeader): WrittenBatch {
  const { sizeBytes, baseOffset, lastOffset, leaderEpoch, crc, producerId, producerEpoch, baseSequence, lastSequence } = header;
  return {
    path,
    position,
    sizeBytes,
    baseOffset,
    lastOffset,
    leaderEpoch,
    crc,
    producerId,
    producerEpoch,
    baseSequence,
    lastSequence,
    durable: false,
  };
}
