import assert from "node:assert";

/** Frames that have arrived and wait for the one reader of a session. Unbounded by itself: whoever fills it watches `bytes`. */
export class FrameQueue implements AsyncIterable<Uint8Array> {
  readonly #taken: (bytes: number) => void;
  #frames: Uint8Array[] = [];
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

  /** The reader gets what is queued, then the end. */
  end(): void {
    this.#ended = true;
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = null;
  }

  /** The reader gets the end at once.
   * @returns what was not read */
  discard(): Uint8Array[] {
    const unread = this.#frames.slice(this.#head);
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
    const frame = this.#frames[this.#head];
    if (frame !== undefined) {
      this.#head += 1;
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
