/** A sparse index over offsets and timestamps of one segment, in memory. Any subset of the possible entries is a correct index: what
 * is missing only makes a look-up read on a little longer. */
export class SegmentIndex {
  /** Entries describe the segment from here on; those before are in the index files, or can be made from the segment. */
  fromPosition: number;
  readonly #interval: number;
  #offsets = new Uint32Array(8);
  #positions = new Uint32Array(8);
  #timestamps = new Float64Array(8);
  #count = 0;
  #nextPosition: number;

  constructor(fromPosition: number, intervalBytes: number) {
    this.fromPosition = fromPosition;
    this.#nextPosition = fromPosition === 0 ? intervalBytes : fromPosition;
    this.#interval = intervalBytes;
  }

  get complete(): boolean {
    return this.fromPosition === 0;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#offsets.length * 16;
  }

  /** @param timestampBefore the largest timestamp of the batches before this one in the segment, -1 if none */
  add(relativeOffset: number, position: number, timestampBefore: number): void {
    if (position < this.#nextPosition) return;
    this.#put(relativeOffset, position, timestampBefore);
    this.#nextPosition = position + this.#interval;
  }

  /** The last entry at or below the offset; null when the segment's start is nearest. */
  floor(relativeOffset: number): IndexEntry | null {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsetAt(middle) <= relativeOffset) low = middle + 1;
      else high = middle;
    }
    return this.entry(low - 1);
  }

  /** The last entry before which no batch reaches `timestamp`; null when the segment's start is nearest. */
  floorByTimestamp(timestamp: number): IndexEntry | null {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timestamps[middle] ?? 0) < timestamp) low = middle + 1;
      else high = middle;
    }
    return this.entry(low - 1);
  }

  entry(at: number): IndexEntry | null {
    const offset = this.#offsets[at];
    const position = this.#positions[at];
    const timestampBefore = this.#timestamps[at];
    if (at >= this.#count || offset === undefined || position === undefined || timestampBefore === undefined) return null;
    return { relativeOffset: offset, position, timestampBefore };
  }

  entriesBelow(position: number): IndexEntry[] {
    const entries: IndexEntry[] = [];
    for (let at = 0; ; at++) {
      const entry = this.entry(at);
      if (entry === null || entry.position >= position) return entries;
      entries.push(entry);
    }
  }

  /** Puts entries of the segment's earlier part in front; the index then reaches back to the segment's start. */
  completeWith(earlier: readonly IndexEntry[]): void {
    const own = this.entriesBelow(Infinity);
    const nextPosition = this.#nextPosition;
    const before = earlier.filter((entry) => entry.position < this.fromPosition);
    this.#count = 0;
    for (const entry of [...before, ...own]) this.#put(entry.relativeOffset, entry.position, entry.timestampBefore);
    this.#nextPosition = nextPosition;
    this.fromPosition = 0;
  }

  /** The segment was cut: entries at or beyond `position` are gone. */
  cut(position: number): void {
    while (this.#count > 0 && (this.#positions[this.#count - 1] ?? 0) >= position) this.#count--;
    this.fromPosition = Math.min(this.fromPosition, position);
    this.#nextPosition = position === 0 ? this.#interval : position;
  }

  #offsetAt(at: number): number {
    return this.#offsets[at] ?? 0;
  }

  #put(relativeOffset: number, position: number, timestampBefore: number): void {
    if (this.#count === this.#offsets.length) this.#grow();
    this.#offsets[this.#count] = relativeOffset;
    this.#positions[this.#count] = position;
    this.#timestamps[this.#count] = timestampBefore;
    this.#count++;
  }

  #grow(): void {
    const length = this.#offsets.length * 2;
    const offsets = new Uint32Array(length);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    const positions = new Uint32Array(length);
    positions.set(this.#positions);
    this.#positions = positions;
    const timestamps = new Float64Array(length);
    timestamps.set(this.#timestamps);
    this.#timestamps = timestamps;
  }
}

export interface IndexEntry {
  readonly relativeOffset: number;
  readonly position: number;
  /** The largest timestamp of the batches before this place in the segment, -1 if none. */
  readonly timestampBefore: number;
}
