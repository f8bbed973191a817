import assert from "node:assert";

/** Small frames that came in one piece of memory: split as they are read, because thousands of views made at once would outlive the young part of
 * the heap and stay in its old part for long. */
export class FrameGroup {
  readonly #chunk: Uint8Array;
  readonly #ends: readonly number[];
  /** Bytes before each frame that do not belong to it. */
  readonly #gap: number;
  #next = 0;

  constructor(chunk: Uint8Array, ends: readonly number[], gap: number) {
    assert(ends.length > 0, "a group has a frame");
    this.#chunk = chunk;
    this.#ends = ends;
    this.#gap = gap;
  }

  get bytes(): number {
    return this.#chunk.byteLength - this.#gap * this.#ends.length;
  }

  get isEmpty(): boolean {
    return this.#next === this.#ends.length;
  }

  take(): Uint8Array {
    const from = this.#next === 0 ? 0 : (this.#ends[this.#next - 1] ?? 0);
    const frame = this.#chunk.subarray(from + this.#gap, this.#ends[this.#next]);
    this.#next += 1;
    return frame;
  }
}

/** Frames that have arrived and wait for the one reader of a session. Unbounded by itself: whoever fills it watches `bytes`. */
export class FrameQueue implements AsyncIterable<Uint8Array> {
  readonly #taken: (bytes: number) => void;
  #frames: (Uint8Array | FrameGroup)[] = [];
  #head = 0;
  #bytes = 0;
  #ended = false;
  #iterated = false;
  #waiting: ((result: IteratorResult<Uint8Array>) => void) | null = null;

  /** `taken` hears the size of each frame that the reader takes out. */
  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(frame: Uint8Array): void {
    if (this.#ended) return;
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting({ done: false, value: frame });
      this.#taken(frame.byteLength);
      return;
    }
    this.#frames.push(frame);
    this.#bytes += frame.byteLength;
  }

  pushGroup(group: FrameGroup): void {
    if (this.#ended) return;
    const waiting = this.#waiting;
    const first = waiting === null ? null : group.take();
    if (!group.isEmpty) {
      this.#frames.push(group);
      this.#bytes += group.bytes - (first?.byteLength ?? 0);
    }
    if (waiting === null || first === null) return;
    this.#waiting = null;
    waiting({ done: false, value: first });
    this.#taken(first.byteLength);
  }

  /** The reader gets what is queued, then the end. */
  end(): void {
    this.#ended = true;
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = null;
  }

  /** The reader gets the end at once.
   * @returns what was not read, small frames that came together left out */
  discard(): Uint8Array[] {
    const unread = this.#frames.slice(this.#head).filter((each) => each instanceof Uint8Array);
    this.#frames = [];
    this.#head = 0;
    this.#bytes = 0;
    this.end();
    return unread;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    assert(!this.#iterated, "the frames of a session can be iterated once");
    this.#iterated = true;
    return { next: () => this.#next(), return: () => Promise.resolve({ done: true, value: undefined }) };
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    const queued = this.#frames[this.#head];
    if (queued !== undefined) {
      const frame = queued instanceof FrameGroup ? queued.take() : queued;
      if (!(queued instanceof FrameGroup) || queued.isEmpty) this.#head += 1;
      if (this.#head === this.#frames.length) {
        this.#frames = [];
        this.#head = 0;
      } else if (this.#head === 64) {
        this.#frames.splice(0, this.#head);
        this.#head = 0;
      }
      this.#bytes -= frame.byteLength;
      this.#taken(frame.byteLength);
      return Promise.resolve({ done: false, value: frame });
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    assert(this.#waiting === null, "the frames of a session have one reader, which waits for one frame at a time");
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}
