import { FrameGroup } from "./frame-queue.ts";
import { type FrameRoom, LARGE_FRAME_BYTES } from "./network.ts";

const SIZE_BYTES = 4;
/** Enough of what is no message to say what it is. */
const HEAD_BYTES = 64;

export interface AssemblerOptions {
  readonly maxFrameBytes: number;
  readonly room: FrameRoom;
  frame(frame: Uint8Array): void;
  /** Messages that came whole with one read. */
  group(group: FrameGroup): void;
  /** The last call: what follows cannot be told apart any more. */
  malformed(head: Uint8Array): void;
  /** There is no room for the message that has begun: nothing more may be filled in before {@link AssemblerOptions.resumed}. */
  waiting(): void;
  resumed(): void;
}

/** Turns what a connection says into messages. Large ones are read in place: whoever reads asks {@link target} where the next bytes go, and says
 * with {@link filled} how many came, and where to: he may have asked before the last message ended. */
export class FrameAssembler {
  readonly #options: AssemblerOptions;
  /** Where bytes go between two messages; shared by all connections, because they are taken out before the next read. */
  readonly #scratch: Uint8Array;
  /** The first one to three bytes of a size. */
  #carried: Uint8Array | null = null;
  #frame: Uint8Array | null = null;
  #received = 0;
  /** Room taken for {@link #frame}. */
  #held = 0;
  #wait: AbortController | null = null;
  #ended = false;

  constructor(scratch: Uint8Array, options: AssemblerOptions) {
    this.#scratch = scratch;
    this.#options = options;
  }

  get arriving(): { readonly bytes: number; readonly received: number } | null {
    return this.#frame === null ? null : { bytes: this.#frame.byteLength, received: this.#received };
  }

  get target(): Uint8Array {
    return this.#frame === null ? this.#scratch : this.#frame.subarray(this.#received);
  }

  filled(bytes: number, into: Uint8Array): void {
    if (this.#ended) return;
    let from = 0;
    const frame = this.#frame;
    if (frame !== null) {
      const here = Math.min(bytes, frame.byteLength - this.#received);
      if (into === this.#scratch) frame.set(into.subarray(0, here), this.#received);
      this.#received += here;
      if (this.#received === frame.byteLength) this.#whole(frame);
      from = here;
    }
    if (from < bytes && !this.#ended) this.#split(from, bytes);
  }

  /** The connection is over: gives back what a message that will not be whole holds. */
  end(): void {
    this.#ended = true;
    this.#wait?.abort(new Error("the connection has ended"));
    this.#options.room.give(this.#held);
    this.#held = 0;
    this.#frame = null;
    this.#carried = null;
  }

  #whole(frame: Uint8Array): void {
    this.#frame = null;
    // Its room goes with it.
    this.#held = 0;
    this.#options.frame(frame);
  }

  #split(start: number, end: number): void {
    const carried = this.#carried;
    this.#carried = null;
    const bytes = carried === null ? this.#scratch.subarray(start, end) : joined(carried, this.#scratch.subarray(start, end));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const ends: number[] = [];
    let at = 0;
    let size = -1;
    while (bytes.byteLength - at >= SIZE_BYTES) {
      size = view.getInt32(at);
      if (size < 0 || size > this.#options.maxFrameBytes || bytes.byteLength - at - SIZE_BYTES < size) break;
      at += SIZE_BYTES + size;
      ends.push(at);
      size = -1;
    }
    const rest = bytes.subarray(at);
    this.#hand(bytes, ends);
    if (rest.byteLength < SIZE_BYTES) {
      if (rest.byteLength > 0) this.#carried = rest.slice();
    } else if (size >= 0 && size <= this.#options.maxFrameBytes) {
      this.#begin(size, rest.subarray(SIZE_BYTES));
    } else {
      this.#ended = true;
      this.#options.malformed(rest.slice(0, HEAD_BYTES));
    }
  }

  /** One copy for all messages that came whole with one read. */
  #hand(bytes: Uint8Array, ends: readonly number[]): void {
    const last = ends.at(-1);
    if (last === undefined) return;
    this.#options.group(new FrameGroup(bytes.slice(0, last), ends, SIZE_BYTES));
  }

  #begin(size: number, start: Uint8Array): void {
    if (size <= LARGE_FRAME_BYTES) return this.#open(size, start);
    const held = this.#options.room.tryTake(size);
    if (held !== null) {
      this.#held = held;
      return this.#open(size, start);
    }
    // The rest of this read is all that is kept while it waits.
    void this.#openLater(size, start.slice());
  }

  async #openLater(size: number, start: Uint8Array): Promise<void> {
    const wait = new AbortController();
    this.#wait = wait;
    this.#options.waiting();
    try {
      this.#held = await this.#options.room.take(size, wait.signal);
    } catch {
      // The connection has ended.
      return;
    } finally {
      this.#wait = null;
    }
    if (this.#ended) return this.end();
    this.#open(size, start);
    this.#options.resumed();
  }

  #open(size: number, start: Uint8Array): void {
    const frame = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    frame.set(start);
    this.#frame = frame;
    this.#received = start.byteLength;
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.byteLength + other.byteLength);
  both.set(one);
  both.set(other, one.byteLength);
  return both;
}
