/** Counted for each batch besides its bytes. */
const ENTRY_BYTES = 160;
const SLAB_BYTES = 256 << 10;

interface CachedBatch {
  readonly log: CachedLog;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly bytes: Uint8Array;
  readonly charge: number;
  dropped: boolean;
}

/** A queue that does not move its elements each time one leaves. */
class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  at(index: number): T | undefined {
    return index < 0 ? undefined : this.#items[this.#head + index];
  }

  shift(): void {
    // What has left is not kept alive by the place it had.
    this.#items[this.#head] = undefined;
    this.#head++;
    if (this.#head < 64 || this.#head * 2 < this.#items.length) return;
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }

  pop(): void {
    this.#items.pop();
  }
}

/** The cached batches of one log: always its newest, without a gap. */
export class CachedLog {
  readonly batches = new Queue<CachedBatch>();
  /** Batches beyond it are in no file yet and stay. */
  writtenOffset = 0;
}

/** The newest batches of all logs of a directory, so that followers and tailing consumers cost no disk read. The oldest leaves first,
 * whichever log it belongs to; what is not written yet stays beyond the bound. */
export class BatchCache {
  readonly #limitBytes: number;
  readonly #order = new Queue<CachedBatch>();
  #bytes = 0;
  #slab = new Uint8Array(0);
  #slabUsed = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(log: CachedLog, baseOffset: number, nextOffset: number, batch: Uint8Array): void {
    const bytes = this.#limitBytes > 0 ? this.#keep(batch) : batch;
    const shared = bytes.buffer === this.#slab.buffer;
    const cached = {
      log,
      baseOffset,
      nextOffset,
      bytes,
      charge: (shared ? bytes.length : bytes.buffer.byteLength) + ENTRY_BYTES,
      dropped: false,
    };
    log.batches.push(cached);
    this.#order.push(cached);
    this.#bytes += cached.charge;
    this.trim();
  }

  /** Batches from the one that holds `from`, up to `until`; null when that one is not cached. */
  read(log: CachedLog, from: number, until: number, maxBytes: number): { parts: Uint8Array[]; bytes: number; nextOffset: number } | null {
    const first = log.batches.at(0);
    if (first === undefined || from < first.baseOffset) return null;
    let low = 0;
    let high = log.batches.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((log.batches.at(middle)?.nextOffset ?? 0) <= from) low = middle + 1;
      else high = middle;
    }
    const parts: Uint8Array[] = [];
    let bytes = 0;
    let nextOffset = from;
    for (let at = low; at < log.batches.length; at++) {
      const cached = log.batches.at(at);
      if (cached === undefined || cached.nextOffset > until) break;
      if (bytes > 0 && bytes + cached.bytes.length > maxBytes) break;
      parts.push(cached.bytes);
      bytes += cached.bytes.length;
      nextOffset = cached.nextOffset;
    }
    return { parts, bytes, nextOffset };
  }

  /** Forgets batches that reach beyond `offset`: they are no longer in the log. */
  cut(log: CachedLog, offset: number): void {
    for (
      let last = log.batches.at(log.batches.length - 1);
      last !== undefined && last.nextOffset > offset;
      last = log.batches.at(log.batches.length - 1)
    ) {
      log.batches.pop();
      this.#drop(last);
    }
  }

  trim(): void {
    while (this.#bytes > this.#limitBytes || this.#order.at(0)?.dropped === true) {
      const oldest = this.#order.at(0);
      if (oldest === undefined || (!oldest.dropped && oldest.nextOffset > oldest.log.writtenOffset)) return;
      this.#order.shift();
      if (oldest.dropped) continue;
      oldest.log.batches.shift();
      this.#drop(oldest);
    }
  }

  #drop(cached: CachedBatch): void {
    cached.dropped = true;
    this.#bytes -= cached.charge;
  }

  /** A small part of a large frame is copied, so that it does not keep the frame. */
  #keep(batch: Uint8Array): Uint8Array {
    if (batch.length * 2 >= batch.buffer.byteLength) return batch;
    if (batch.length > SLAB_BYTES / 4) return batch.slice();
    if (this.#slabUsed + batch.length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const kept = this.#slab.subarray(this.#slabUsed, this.#slabUsed + batch.length);
    kept.set(batch);
    this.#slabUsed += batch.length;
    return kept;
  }
}
