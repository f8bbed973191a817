import { view } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { readText } from "../text.ts";
import type { Header } from "./record.ts";

const NO_HEADERS: readonly Header[] = Object.freeze([]);

/** Reads numbers and fields of records from bytes that nobody has checked. */
export class RecordReader {
  readonly #bytes: Uint8Array;
  readonly #batch: string;
  #at: number;
  #end: number;

  /** @param batch for the error text */
  constructor(bytes: Uint8Array, at: number, end: number, batch: string) {
    this.#bytes = bytes;
    this.#batch = batch;
    this.#at = at;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get end(): number {
    return this.#end;
  }

  /** The reader then stops at `end`. */
  limit(end: number): void {
    this.#end = end;
  }

  skip(bytes: number): void {
    if (bytes > this.#end - this.#at) throw this.corrupt(`cut off at byte ${this.#end}`);
    this.#at += bytes;
  }

  /** A signed number that is a safe integer. */
  varint(): number {
    const first = this.#at < this.#end ? (this.#bytes[this.#at] as number) : 128;
    if (first < 128) {
      this.#at++;
      return (first >>> 1) ^ -(first & 1);
    }
    return this.#longVarint();
  }

  /** -1 is null. */
  nullableBytes(): Uint8Array | null {
    const length = this.varint();
    if (length === -1) return null;
    return this.#take(length);
  }

  headers(): readonly Header[] {
    const count = this.varint();
    if (count === 0) return NO_HEADERS;
    // Each takes two bytes at least.
    if (count < 0 || 2 * count > this.#end - this.#at)
      throw this.corrupt(`${count} headers at byte ${this.#at}, ${this.#end - this.#at} bytes are left`);
    const headers: Header[] = [];
    for (let i = 0; i < count; i++) {
      const from = this.#at;
      const key = this.#take(this.varint());
      const text = readText(key, 0, key.length);
      if (text === undefined) throw this.corrupt(`a header at byte ${from} whose key is not UTF-8`);
      headers.push({ key: text, value: this.nullableBytes() });
    }
    return headers;
  }

  corrupt(what: string): ProtocolError {
    return new ProtocolError("CORRUPT_MESSAGE", `Cannot read the records of ${this.#batch}: ${what}`);
  }

  #take(length: number): Uint8Array {
    const from = this.#at;
    if (length < 0 || length > this.#end - from)
      throw this.corrupt(`a length of ${length} at byte ${from}, ${this.#end - from} bytes are left`);
    this.#at = from + length;
    return view(this.#bytes, from, this.#at);
  }

  #longVarint(): number {
    const from = this.#at;
    let low = 0;
    let half = 0;
    // The lowest bit is the sign; the rest is at most 2^53, so the steps add up exactly.
    for (let scale = 0.5; scale <= 2 ** 62; scale *= 128) {
      if (this.#at >= this.#end) throw this.corrupt(`cut off at byte ${this.#end}`);
      const byte = this.#bytes[this.#at++] as number;
      if (scale === 0.5) {
        low = byte & 1;
        half = (byte & 127) >>> 1;
      } else half += (byte & 127) * scale;
      if (byte < 128) {
        const value = low === 0 ? half : -half - 1;
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
    }
    throw this.corrupt(`a number beyond 2^53 - 1 at byte ${from}`);
  }
}
