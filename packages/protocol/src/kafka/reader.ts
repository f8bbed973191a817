import { readInt64, words } from "../batch/int64.ts";
import { view } from "../bytes.ts";
import { UUID_BYTES, type Uuid } from "../ids.ts";
import { readText } from "../text.ts";
import { MAX_TAGS } from "./limits.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import type { UnknownTag } from "./schema.ts";

/** Reads a frame that nobody has checked. `field` names the field for the error text. Lengths and counts are compared with what is left
 * of the frame before anything is made of them. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #words: DataView;
  readonly #title: string;
  #buffer: Buffer | null = null;
  #itemsLeft: number;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array, at: number, title: string, maxItems: number) {
    this.#bytes = bytes;
    this.#words = words(bytes);
    this.#title = title;
    this.#itemsLeft = maxItems;
    this.#at = at;
    this.#end = bytes.length;
  }

  get at(): number {
    return this.#at;
  }

  finish(): void {
    if (this.#at !== this.#end) throw this.#malformed("end", `${this.#end - this.#at} bytes are left behind the last field`);
  }

  bool(field: string): boolean {
    return this.#words.getInt8(this.#take(1, field)) !== 0;
  }

  int8(field: string): number {
    return this.#words.getInt8(this.#take(1, field));
  }

  int16(field: string): number {
    return this.#words.getInt16(this.#take(2, field));
  }

  uint16(field: string): number {
    return this.#words.getUint16(this.#take(2, field));
  }

  int32(field: string): number {
    return this.#words.getInt32(this.#take(4, field));
  }

  int64(field: string): number {
    const value = readInt64(this.#words, this.#take(8, field));
    if (!Number.isSafeInteger(value)) throw this.#malformed(field, `${this.#words.getBigInt64(this.#at - 8)} exceeds ±(2^53 - 1)`);
    return value;
  }

  saturatingInt64(field: string): number {
    const value = readInt64(this.#words, this.#take(8, field));
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
  }

  float64(field: string): number {
    return this.#words.getFloat64(this.#take(8, field));
  }

  uuid(field: string): Uuid {
    const from = this.#take(UUID_BYTES, field);
    // The quickest of the ways to hexadecimal digits; the view is made for messages with ids alone.
    this.#buffer ??= Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    return this.#buffer.toString("hex", from, from + UUID_BYTES) as Uuid;
  }

  string(field: string): string {
    return this.#text(this.#notNull(this.int16(field), field), field);
  }

  nullableString(field: string): string | null {
    const length = this.int16(field);
    return length === -1 ? null : this.#text(length, field);
  }

  compactString(field: string): string {
    return this.#text(this.#notNull(this.uvarint(field) - 1, field), field);
  }

  compactNullableString(field: string): string | null {
    const length = this.uvarint(field) - 1;
    return length === -1 ? null : this.#text(length, field);
  }

  bytes(field: string): Uint8Array {
    return this.#view(this.#notNull(this.int32(field), field), field);
  }

  nullableBytes(field: string): Uint8Array | null {
    const length = this.int32(field);
    return length === -1 ? null : this.#view(length, field);
  }

  compactBytes(field: string): Uint8Array {
    return this.#view(this.#notNull(this.uvarint(field) - 1, field), field);
  }

  compactNullableBytes(field: string): Uint8Array | null {
    const length = this.uvarint(field) - 1;
    return length === -1 ? null : this.#view(length, field);
  }

  /** Whether a nullable struct follows. */
  present(field: string): boolean {
    const mark = this.int8(field);
    if (mark !== 1 && mark !== -1) throw this.#malformed(field, `the mark ${mark} is neither 1 (present) nor -1 (null)`);
    return mark === 1;
  }

  /** How many items follow, each of `itemBytes` or more. */
  count(itemBytes: number, field: string): number {
    return this.#counted(this.#notNull(this.int32(field), field), itemBytes, field);
  }

  /** -1: null. */
  nullableCount(itemBytes: number, field: string): number {
    return this.#counted(this.int32(field), itemBytes, field);
  }

  compactCount(itemBytes: number, field: string): number {
    return this.#counted(this.#notNull(this.uvarint(field) - 1, field), itemBytes, field);
  }

  compactNullableCount(itemBytes: number, field: string): number {
    return this.#counted(this.uvarint(field) - 1, itemBytes, field);
  }

  tagCount(field: string): number {
    const count = this.uvarint(field);
    if (count > MAX_TAGS) throw this.#malformed(field, `${count} tagged fields, at most ${MAX_TAGS} are read`);
    return count;
  }

  /** Enters the tagged field that follows `previous`. */
  tag(previous: number, field: string): number {
    const tag = this.uvarint(field);
    if (tag <= previous) throw this.#malformed(field, `tag ${tag} comes after tag ${previous}: tags ascend`);
    return tag;
  }

  /** Bounds what is read next by the size that stands here. Returns what {@link leave} needs. */
  enter(field: string): number {
    const outer = this.#end;
    const size = this.uvarint(field);
    this.#end = this.#take(size, field) + size;
    this.#at = this.#end - size;
    return outer;
  }

  leave(outer: number, field: string): void {
    if (this.#at !== this.#end) throw this.#malformed(field, `${this.#end - this.#at} bytes are left in the tagged field`);
    this.#end = outer;
  }

  /** Adds the tagged field entered to those unknown. */
  keep(unknown: UnknownTag[] | undefined, tag: number): UnknownTag[] {
    const kept = { tag, bytes: view(this.#bytes, this.#at, this.#end) };
    this.#at = this.#end;
    if (unknown === undefined) return [kept];
    unknown.push(kept);
    return unknown;
  }

  uvarint(field: string): number {
    const first = this.#bytes[this.#take(1, field)] as number;
    if (first < 128) return first;
    let value = first & 127;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#take(1, field)] as number;
      if (shift === 28 && byte > 7) break;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw this.#malformed(field, `a length of more than 31 bits before byte ${this.#at}`);
  }

  #text(length: number, field: string): string {
    const from = this.#take(length, field);
    const text = readText(this.#bytes, from, from + length);
    if (text === undefined) throw this.#malformed(field, `the ${length} bytes at byte ${from} are not UTF-8`);
    return text;
  }

  #view(length: number, field: string): Uint8Array {
    const from = this.#take(length, field);
    return view(this.#bytes, from, from + length);
  }

  #counted(count: number, itemBytes: number, field: string): number {
    if (count <= 0) {
      if (count < -1) throw this.#malformed(field, `a count of ${count}`);
      return count;
    }
    if (count * itemBytes > this.#end - this.#at)
      throw this.#malformed(
        field,
        `${count} items of at least ${itemBytes} bytes announced at byte ${this.#at}, ${this.#end - this.#at} bytes left`,
      );
    this.#itemsLeft -= count;
    if (this.#itemsLeft < 0) throw this.#malformed(field, `${-this.#itemsLeft} more items than one message may have`);
    return count;
  }

  #notNull(length: number, field: string): number {
    if (length === -1) throw this.#malformed(field, "null, which this version does not allow");
    return length;
  }

  #take(length: number, field: string): number {
    const from = this.#at;
    if (length < 0 || length > this.#end - from)
      throw this.#malformed(field, `${length} bytes announced at byte ${from}, ${this.#end - from} left`);
    this.#at = from + length;
    return from;
  }

  #malformed(field: string, what: string): MalformedFrame {
    return new MalformedFrame(`Cannot read the ${this.#title}: ${field}: ${what}`);
  }
}
