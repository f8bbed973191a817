/** A growing run of bytes; gaps read as zero. */
export class Bytes {
  #buffer = new Uint8Array(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  write(data: Uint8Array, at: number): void {
    this.#reserve(at + data.byteLength);
    this.#buffer.set(data, at);
    this.#size = Math.max(this.#size, at + data.byteLength);
  }

  read(into: Uint8Array, at: number): number {
    const length = Math.max(0, Math.min(into.byteLength, this.#size - at));
    into.set(this.#buffer.subarray(at, at + length));
    return length;
  }

  resize(size: number): void {
    this.#reserve(size);
    if (size < this.#size) this.#buffer.fill(0, size, this.#size);
    this.#size = size;
  }

  flipBit(at: number, bit: number): void {
    this.#buffer[at] = (this.#buffer[at] ?? 0) ^ (1 << bit);
  }

  copyFrom(other: Bytes): void {
    this.#buffer = other.#buffer.slice(0, other.#size);
    this.#size = other.#size;
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.byteLength) return;
    const grown = new Uint8Array(Math.max(size, 2 * this.#buffer.byteLength, 512));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}
