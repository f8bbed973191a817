/** Writes the fields of our own files: big-endian, 64-bit numbers as whole doubles. */
export class FieldWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(sizeHint = 256) {
    this.#bytes = new Uint8Array(sizeHint);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): this {
    this.#room(1);
    this.#view.setUint8(this.#at++, value);
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
    return this;
  }

  i32(value: number): this {
    this.#room(4);
    this.#view.setInt32(this.#at, value);
    this.#at += 4;
    return this;
  }

  i64(value: number): this {
    this.#room(8);
    this.#view.setBigInt64(this.#at, BigInt(value));
    this.#at += 8;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** What has been written, as a view. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads what {@link FieldWriter} wrote. A field beyond the end throws RangeError. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  i32(): number {
    this.#at += 4;
    return this.#view.getInt32(this.#at - 4);
  }

  i64(): number {
    this.#at += 8;
    const value = Number(this.#view.getBigInt64(this.#at - 8));
    if (!Number.isSafeInteger(value)) throw new RangeError(`the 64-bit number at byte ${this.#at - 8} exceeds 2^53: ${value}`);
    return value;
  }

  /** A count of things that take at least `eachBytes`: one that the rest of the bytes cannot hold throws before anything is allocated. */
  count(eachBytes: number): number {
    const count = this.u32();
    if (count * eachBytes > this.left) throw new RangeError(`${count} entries of ${eachBytes} bytes do not fit into ${this.left} bytes`);
    return count;
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) throw new RangeError(`${length} bytes wanted, ${this.left} left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** Names in our files are plain ASCII. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0x7f);
}

export function asciiText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
