import { assert } from "../assert.ts";

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

/** Where each leader epoch began (KIP-101, KIP-320). Entries rise strictly in epoch and in start offset. */
export class EpochCache {
  #entries: EpochEntry[];

  constructor(entries: readonly EpochEntry[]) {
    this.#entries = [...entries];
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /** -1 when there is none. */
  get last(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /** An epoch begins; one that got no record before it gives way. */
  begin(epoch: number, startOffset: number): void {
    assert(epoch > this.last, `epoch ${epoch} begins at offset ${startOffset} after epoch ${this.last}`);
    while ((this.#entries.at(-1)?.startOffset ?? -1) >= startOffset) this.#entries.pop();
    this.#entries.push({ epoch, startOffset });
  }

  at(offset: number): number | null {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? null;
  }

  start(epoch: number): number | null {
    return this.#entries.find((entry) => entry.epoch === epoch)?.startOffset ?? null;
  }

  /** The largest known epoch not above the one asked for, and where it ends; -1, -1 for one above all. Like Kafka, one below all is
   * answered with itself and the start of the first. */
  end(epoch: number, endOffset: number): EpochEnd {
    const later = this.#entries.findIndex((entry) => entry.epoch > epoch);
    if (later < 0) return this.last === epoch && epoch >= 0 ? { epoch, endOffset } : { epoch: -1, endOffset: -1 };
    const next = this.#entries[later];
    assert(next !== undefined, `epoch entry ${later} of ${this.#entries.length}`);
    return { epoch: this.#entries[later - 1]?.epoch ?? epoch, endOffset: next.startOffset };
  }

  /** The tail was cut: epochs that began at or after the new end are gone. */
  cut(endOffset: number): void {
    this.#entries = this.#entries.filter((entry) => entry.startOffset < endOffset);
  }

  /** Batches beyond `endOffset` never came to be; an epoch that begins there may stand. */
  forgetBeyond(endOffset: number): void {
    this.#entries = this.#entries.filter((entry) => entry.startOffset <= endOffset);
  }

  /** The log start moved up: the epoch that covers it begins there now. */
  raiseStart(startOffset: number): void {
    const covering = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (covering < 0) return;
    const [entry] = this.#entries.splice(0, covering + 1).slice(-1);
    if (entry !== undefined) this.#entries.unshift({ epoch: entry.epoch, startOffset: Math.max(entry.startOffset, startOffset) });
  }
}

export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}
