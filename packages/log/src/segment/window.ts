import type { DiskFile } from "@ottla/host";

const CHUNK_BYTES = 1 << 20;

/** Reads a file from front to back through one buffer. Views it hands out hold until the next `fill`. */
export class Window {
  readonly #file: DiskFile;
  /** Bytes beyond it are not looked at. */
  readonly #limit: number;
  #buffer = new Uint8Array(0);
  #position = 0;
  #length = 0;

  constructor(file: DiskFile, limit: number) {
    this.#file = file;
    this.#limit = limit;
  }

  /** The bytes if they are in the buffer. */
  peek(position: number, length: number): Uint8Array | null {
    const at = position - this.#position;
    return at >= 0 && at + length <= this.#length ? this.#buffer.subarray(at, at + length) : null;
  }

  /** The bytes; null when the file ends before. */
  async at(position: number, length: number): Promise<Uint8Array | null> {
    if (position + length > this.#limit) return null;
    const there = this.peek(position, length);
    if (there !== null) return there;
    const wanted = Math.min(Math.max(length, CHUNK_BYTES), this.#limit - position);
    if (this.#buffer.length < wanted) this.#buffer = new Uint8Array(wanted);
    this.#length = 0;
    this.#length = await this.#file.read(this.#buffer.subarray(0, wanted), position);
    this.#position = position;
    return this.peek(position, length);
  }
}
