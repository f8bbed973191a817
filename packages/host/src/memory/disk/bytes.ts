/** A growing run of bytes; gaps read as zero. Copies share their buffer until one of them changes. */
export class Bytes {
  #buffer = new Uint8Array(0);
  #size = 0;
  #shared = false;

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
    this.#reserve(this.#size);
    this.#buffer[at] = (this.#buffer[at] ?? 0) ^ (1 << bit);
  }

  copyFrom(other: Bytes): void {
    this.#buffer = other.#buffer;
    this.#size = other.#size;
    this.#shared = other.#shared = true;
  }

  #reserve(size: number): void {
    if (!this.#shared && size <= this.#buffer.byteLength) return;
    const grown = new Uint8Array(
      size <= this.#buffer.byteLength ? this.#buffer.byteLength : Math.max(size, 2 * this.#buffer.byteLength, 512),
    );
    grown.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = grown;
    this.#shared = false;
  }
}
