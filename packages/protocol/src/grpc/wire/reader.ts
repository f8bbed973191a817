import { view } from "../../bytes.ts";
import { ProtocolError } from "../../errors.ts";
import type { MessageCodec } from "./message.ts";
import { MAX_DEPTH, MAX_ITEMS, MAX_UINT32, WIRE_32_BIT, WIRE_64_BIT, WIRE_BYTES, WIRE_VARINT } from "./limits.ts";
import { readText } from "../../text.ts";

const TWO_28 = 2 ** 28;

/** Reads the fields of one message, and of the messages in it, from bytes that nobody has checked. `field` names message and field
 * for the error text. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #end: number;
  #depth = 0;
  #items = 0;
  // The last varint: bits 0-27, 28-55 and 56-63.
  #low = 0;
  #middle = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  more(): boolean {
    return this.#at < this.#end;
  }

  tag(message: string): number {
    const tag = this.uint32(message);
    if (tag < 8) throw malformed(message, `field number 0 at byte ${this.#at}`);
    return tag;
  }

  /** Fields that a newer peer may send. */
  skip(tag: number, message: string): void {
    switch (tag & 7) {
      case WIRE_VARINT:
        return this.#varint(message);
      case WIRE_64_BIT:
        this.#take(8, message);
        return;
      case WIRE_BYTES:
        this.#take(this.uint32(message), message);
        return;
      case WIRE_32_BIT:
        this.#take(4, message);
        return;
      default:
        throw malformed(message, `field ${tag >>> 3} has wire type ${tag & 7}, which proto3 does not use`);
    }
  }

  uint32(field: string): number {
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 128 && this.#at < this.#end) {
      this.#at++;
      return first;
    }
    this.#varint(field);
    const value = this.#low + this.#middle * TWO_28;
    if (this.#high !== 0 || value > MAX_UINT32) throw malformed(field, `a value above ${MAX_UINT32}`);
    return value;
  }

  sint32(field: string): number {
    const folded = this.uint32(field);
    return (folded >>> 1) ^ -(folded & 1);
  }

  /** Negative numbers come with their sign extended to 64 bits. */
  int32(field: string): number {
    this.#varint(field);
    const value = this.#low | (this.#middle << 28) | 0;
    const above = (this.#middle >>> 4) + this.#high * 2 ** 24;
    if (value < 0 ? above !== 2 ** 32 - 1 : above !== 0) throw malformed(field, "a value outside of 32 bits");
    return value;
  }

  bool(field: string): boolean {
    this.#varint(field);
    return this.#low !== 0 || this.#middle !== 0 || this.#high !== 0;
  }

  uint64(field: string): number {
    this.#varint(field);
    if (this.#high !== 0 || this.#middle >= 2 ** 25)
      throw malformed(field, `a value above ${Number.MAX_SAFE_INTEGER}, which this implementation does not hold`);
    return this.#low + this.#middle * TWO_28;
  }

  sint64(field: string): number {
    this.#varint(field);
    const half = (this.#low >>> 1) + this.#middle * 2 ** 27;
    const value = this.#low % 2 === 0 ? half : -half - 1;
    if (this.#high !== 0 || !Number.isSafeInteger(value))
      throw malformed(field, `a value beyond ±${Number.MAX_SAFE_INTEGER}, which this implementation does not hold`);
    return value;
  }

  /** A view into the input. */
  bytes(field: string): Uint8Array {
    const length = this.uint32(field);
    const from = this.#take(length, field);
    return view(this.#bytes, from, from + length);
  }

  string(field: string): string {
    const length = this.uint32(field);
    const from = this.#take(length, field);
    const text = readText(this.#bytes, from, from + length);
    if (text === undefined) throw malformed(field, "text that is not UTF-8");
    return text;
  }

  message<T>(codec: MessageCodec<T>, field: string): T {
    const outer = this.#enter(field);
    if (++this.#depth > MAX_DEPTH) throw malformed(field, `messages more than ${MAX_DEPTH} deep`);
    const value = codec.empty();
    codec.read(this, value);
    this.#depth--;
    this.#end = outer;
    return value;
  }

  /** Adds to `list` the values of a packed field. */
  packed(list: number[], field: string, read: (reader: Reader, field: string) => number): void {
    const outer = this.#enter(field);
    while (this.more()) this.push(list, read(this, field), field);
    this.#end = outer;
  }

  push<T>(list: T[], value: T, field: string): void {
    if (++this.#items > MAX_ITEMS) throw malformed(field, `more than ${MAX_ITEMS} list items in one message`);
    list.push(value);
  }

  #enter(field: string): number {
    const outer = this.#end;
    const length = this.uint32(field);
    this.#end = this.#take(length, field) + length;
    this.#at = this.#end - length;
    return outer;
  }

  #take(length: number, field: string): number {
    const from = this.#at;
    if (length > this.#end - from) throw malformed(field, `${length} bytes announced at byte ${from}, ${this.#end - from} left`);
    this.#at = from + length;
    return from;
  }

  #varint(field: string): void {
    const bytes = this.#bytes;
    const from = this.#at;
    this.#low = this.#middle = this.#high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) throw malformed(field, `cut off at byte ${this.#at}`);
      const byte = bytes[this.#at++] as number;
      const bits = byte & 127;
      if (shift < 28) this.#low |= bits << shift;
      else if (shift < 56) this.#middle |= bits << (shift - 28);
      else this.#high |= bits << (shift - 56);
      if (byte < 128) {
        if (this.#high > 255) break;
        return;
      }
    }
    throw malformed(field, `a number of more than 64 bits at byte ${from}`);
  }
}

function malformed(field: string, what: string): ProtocolError {
  return new ProtocolError("INVALID_REQUEST", `Cannot read the message: ${field}: ${what}`);
}
