import { words, writeInt64 } from "../batch/int64.ts";
import type { Uuid } from "../ids.ts";
import type { UnknownTag } from "./schema.ts";

const SCRATCH_BYTES = 16 * 1024;
const KEEP_SCRATCH_BYTES = 1024 * 1024;
/** Copying fewer bytes costs less than another part of the frame. */
const REFERENCE_FROM_BYTES = 1024;

const MIN_INT64 = new Uint8Array([0x80, 0, 0, 0, 0, 0, 0, 0]);
const MAX_INT64 = new Uint8Array([0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

interface Reference {
  readonly bytes: Uint8Array;
  /** How many bytes of scratch come before it. */
  readonly at: number;
}

/** Writes one frame: small values into one buffer, large bytes by reference. `field` names the field for the error text. */
export class Writer {
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #words = words(this.#scratch);
  #at = 0;
  #references: Reference[] = [];
  /** Within a tagged field, whose size is put in front of it afterwards. */
  #tagDepth = 0;

  bool(value: boolean, field: string): void {
    if (typeof value !== "boolean") throw unwritable(field, value, "true or false");
    this.#int8(value ? 1 : 0);
  }

  int8(value: number, field: string): void {
    if ((value << 24) >> 24 !== value) throw unwritable(field, value, "a whole number of 8 bits");
    this.#int8(value);
  }

  int16(value: number, field: string): void {
    if ((value << 16) >> 16 !== value) throw unwritable(field, value, "a whole number of 16 bits");
    this.#int16(value);
  }

  uint16(value: number, field: string): void {
    if ((value & 0xffff) !== value) throw unwritable(field, value, "a whole number from 0 to 65535");
    this.#int16(value);
  }

  int32(value: number, field: string): void {
    if ((value | 0) !== value) throw unwritable(field, value, "a whole number of 32 bits");
    this.#int32(value);
  }

  int64(value: number, field: string): void {
    if (!Number.isSafeInteger(value)) throw unwritable(field, value, "a safe integer");
    const at = this.#take(8);
    writeInt64(this.#words, at, value);
  }

  saturatingInt64(value: number, field: string): void {
    if (value === Number.MAX_SAFE_INTEGER) this.#copy(MAX_INT64);
    else if (value === Number.MIN_SAFE_INTEGER) this.#copy(MIN_INT64);
    else this.int64(value, field);
  }

  float64(value: number, field: string): void {
    if (typeof value !== "number") throw unwritable(field, value, "a number");
    const at = this.#take(8);
    this.#words.setFloat64(at, value);
  }

  uuid(value: Uuid, field: string): void {
    const at = this.#take(16);
    if (value.length !== 32 || this.#scratch.write(value, at, 16, "hex") !== 16)
      throw unwritable(field, value, "an id of 32 hexadecimal digits");
  }

  string(value: string, field: string): void {
    const bytes = stringBytes(value, field);
    if (bytes > 0x7fff) throw unwritable(field, `${bytes} bytes`, "at most 32767 bytes of text");
    this.#int16(bytes);
    this.#text(value, bytes);
  }

  nullableString(value: string | null, field: string): void {
    if (value === null) this.#int16(-1);
    else this.string(value, field);
  }

  compactString(value: string, field: string): void {
    const bytes = stringBytes(value, field);
    this.uvarint(bytes + 1);
    this.#text(value, bytes);
  }

  compactNullableString(value: string | null, field: string): void {
    if (value === null) this.uvarint(0);
    else this.compactString(value, field);
  }

  bytes(value: Uint8Array | readonly Uint8Array[], field: string): void {
    this.#int32(byteLength(value, field));
    this.#slices(value);
  }

  nullableBytes(value: Uint8Array | readonly Uint8Array[] | null, field: string): void {
    if (value === null) this.#int32(-1);
    else this.bytes(value, field);
  }

  compactBytes(value: Uint8Array | readonly Uint8Array[], field: string): void {
    this.uvarint(byteLength(value, field) + 1);
    this.#slices(value);
  }

  compactNullableBytes(value: Uint8Array | readonly Uint8Array[] | null, field: string): void {
    if (value === null) this.uvarint(0);
    else this.compactBytes(value, field);
  }

  present(value: object | null): boolean {
    this.#int8(value === null ? -1 : 1);
    return value !== null;
  }

  /** How many items follow: 0 for null, which is written as such. */
  count(items: readonly unknown[], field: string): number {
    const count = itemCount(items, field);
    this.#int32(count);
    return count;
  }

  nullableCount(items: readonly unknown[] | null, field: string): number {
    if (items !== null) return this.count(items, field);
    this.#int32(-1);
    return 0;
  }

  compactCount(items: readonly unknown[], field: string): number {
    const count = itemCount(items, field);
    this.uvarint(count + 1);
    return count;
  }

  compactNullableCount(items: readonly unknown[] | null, field: string): number {
    if (items !== null) return this.compactCount(items, field);
    this.uvarint(0);
    return 0;
  }

  /** Begins a tagged field; {@link endTag} wants what is returned. */
  beginTag(tag: number): number {
    this.uvarint(tag);
    this.#tagDepth++;
    return this.#at;
  }

  endTag(from: number): void {
    const size = this.#at - from;
    const bytes = uvarintBytes(size);
    this.#take(bytes);
    this.#scratch.copyWithin(from + bytes, from, from + size);
    this.#at = from;
    this.uvarint(size);
    this.#at = from + bytes + size;
    this.#tagDepth--;
  }

  /** Writes the kept tagged fields from the one at `index` on, as far as they come before `tag`. Returns the index of the next. */
  kept(tags: readonly UnknownTag[], index: number, before: number): number {
    let next = index;
    for (; next < tags.length; next++) {
      const { tag, bytes } = tags[next] as UnknownTag;
      if (tag >= before) break;
      this.uvarint(tag);
      this.uvarint(bytes.length);
      this.#copy(bytes);
    }
    return next;
  }

  uvarint(value: number): void {
    let at = this.#take(uvarintBytes(value));
    let rest = value;
    for (; rest >= 128; rest >>>= 7) this.#scratch[at++] = (rest & 127) | 128;
    this.#scratch[at] = rest;
  }

  /** The parts of the frame, for a single use; the writer is empty afterwards. */
  finish(): Uint8Array[] {
    // Buffers, because a socket makes one of whatever else it is given; and small ones come from Node's pool, as answers do not live long.
    const small = Buffer.from(this.#scratch.subarray(0, this.#at));
    const parts: Uint8Array[] = [];
    let from = 0;
    for (const { bytes, at } of this.#references) {
      if (at > from) parts.push(small.subarray(from, at));
      parts.push(bytes);
      from = at;
    }
    if (from < this.#at) parts.push(from === 0 ? small : small.subarray(from));
    return parts;
  }

  reset(): void {
    if (this.#scratch.length > KEEP_SCRATCH_BYTES) this.#renew(SCRATCH_BYTES);
    this.#at = 0;
    this.#tagDepth = 0;
    if (this.#references.length > 0) this.#references = [];
  }

  #slices(value: Uint8Array | readonly Uint8Array[]): void {
    if (value instanceof Uint8Array) this.#slice(value);
    else for (const slice of value) this.#slice(slice);
  }

  #slice(bytes: Uint8Array): void {
    if (bytes.length < REFERENCE_FROM_BYTES || this.#tagDepth > 0) this.#copy(bytes);
    else this.#references.push({ bytes, at: this.#at });
  }

  #copy(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#scratch.set(bytes, at);
  }

  // Room is taken before the buffer is looked at: taking may replace it.

  #int8(value: number): void {
    const at = this.#take(1);
    this.#words.setInt8(at, value);
  }

  #int16(value: number): void {
    const at = this.#take(2);
    this.#words.setInt16(at, value);
  }

  #int32(value: number): void {
    const at = this.#take(4);
    this.#words.setInt32(at, value);
  }

  #text(value: string, bytes: number): void {
    const at = this.#take(bytes);
    if (bytes === value.length && bytes <= 32) for (let i = 0; i < bytes; i++) this.#scratch[at + i] = value.charCodeAt(i);
    else this.#scratch.write(value, at, bytes);
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#scratch.length) {
      const smaller = this.#scratch;
      this.#renew(Math.max(2 * smaller.length, at + bytes));
      smaller.copy(this.#scratch, 0, 0, at);
    }
    this.#at = at + bytes;
    return at;
  }

  #renew(length: number): void {
    this.#scratch = Buffer.allocUnsafeSlow(length);
    this.#words = words(this.#scratch);
  }
}

function stringBytes(value: string, field: string): number {
  if (typeof value !== "string") throw unwritable(field, value, "text");
  return Buffer.byteLength(value);
}

function byteLength(value: Uint8Array | readonly Uint8Array[], field: string): number {
  if (value instanceof Uint8Array) return value.length;
  if (!Array.isArray(value)) throw unwritable(field, value, "bytes");
  let length = 0;
  for (const slice of value as readonly Uint8Array[]) length += slice.length;
  return length;
}

function itemCount(items: readonly unknown[], field: string): number {
  if (!Array.isArray(items)) throw unwritable(field, items, "an array");
  return items.length;
}

function uvarintBytes(value: number): number {
  if (value < 2 ** 7) return 1;
  if (value < 2 ** 14) return 2;
  if (value < 2 ** 21) return 3;
  return value < 2 ** 28 ? 4 : 5;
}

function unwritable(field: string, value: unknown, wanted: string): Error {
  return new Error(`Invariant broken: ${field} cannot be written: ${String(value)} is not ${wanted}`);
}
