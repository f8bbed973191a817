import { allocate } from "../../bytes.ts";
import { ProtocolError } from "../../errors.ts";
import type { MessageCodec } from "./message.ts";
import { MAX_DEPTH, MAX_UINT32 } from "./limits.ts";

const REFERENCE_FROM_BYTES = 1024;
const SCRATCH_BYTES = 16 * 1024;
const KEEP_SCRATCH_BYTES = 1024 * 1024;

interface LargeBytes {
  readonly bytes: Uint8Array;
  /** How many bytes of scratch come after it in the message. */
  readonly scratchAfter: number;
}

/** Writes a message from its end to its start: a value, then its length, then its tag. So the length of a nested message is known when
 * it is written, and nothing is sized beforehand or moved afterwards. Large bytes stay where they are until `finish` copies them, once.
 * `field` names message and field for the error text. */
export class Writer {
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #at = SCRATCH_BYTES;
  #depth = 0;
  #large: LargeBytes[] = [];
  #largeBytes = 0;

  tag(tag: number): void {
    this.#varint(tag);
  }

  uint32(value: number, field: string): this {
    this.#varint(checked(value, 0, MAX_UINT32, field));
    return this;
  }

  sint32(value: number, field: string): this {
    const whole = checked(value, -(2 ** 31), 2 ** 31 - 1, field);
    this.#varint(((whole << 1) ^ (whole >> 31)) >>> 0);
    return this;
  }

  int32(value: number, field: string): this {
    const whole = checked(value, -(2 ** 31), 2 ** 31 - 1, field);
    if (whole >= 0) this.#varint(whole);
    else this.#negative(whole);
    return this;
  }

  bool(value: boolean): this {
    this.#reserve(1);
    this.#scratch[--this.#at] = value ? 1 : 0;
    return this;
  }

  uint64(value: number, field: string): this {
    this.#varint(checked(value, 0, Number.MAX_SAFE_INTEGER, field));
    return this;
  }

  sint64(value: number, field: string): this {
    const whole = checked(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, field);
    // Folded it needs 54 bits, one more than a number holds: its lowest seven are made apart.
    const half = whole < 0 ? -(whole + 1) : whole;
    const lowest = (half % 64) * 2 + (whole < 0 ? 1 : 0);
    const rest = Math.floor(half / 64);
    if (rest > 0) this.#varint(rest);
    this.#reserve(1);
    this.#scratch[--this.#at] = rest > 0 ? lowest | 128 : lowest;
    return this;
  }

  bytes(value: Uint8Array): this {
    const length = value.length;
    if (length >= REFERENCE_FROM_BYTES) {
      this.#large.push({ bytes: value, scratchAfter: this.#scratch.length - this.#at });
      this.#largeBytes += length;
    } else {
      this.#reserve(length);
      this.#at -= length;
      this.#scratch.set(value, this.#at);
    }
    this.#varint(length);
    return this;
  }

  string(value: string): this {
    const length = Buffer.byteLength(value);
    this.#reserve(length);
    this.#at -= length;
    if (length === value.length && length <= 32) for (let i = 0; i < length; i++) this.#scratch[this.#at + i] = value.charCodeAt(i);
    else this.#scratch.write(value, this.#at, length);
    this.#varint(length);
    return this;
  }

  message<T>(value: T, codec: MessageCodec<T>, field: string): this {
    if (++this.#depth > MAX_DEPTH) throw unwritable(field, `messages more than ${MAX_DEPTH} deep`);
    const after = this.#written;
    codec.write(this, value);
    this.#varint(this.#written - after);
    this.#depth--;
    return this;
  }

  messages<T>(values: readonly T[], codec: MessageCodec<T>, tag: number, field: string): void {
    for (let i = values.length - 1; i >= 0; i--) this.message(values[i] as T, codec, field).tag(tag);
  }

  strings(values: readonly string[], tag: number): void {
    for (let i = values.length - 1; i >= 0; i--) this.string(values[i] as string).tag(tag);
  }

  byteStrings(values: readonly Uint8Array[], tag: number): void {
    for (let i = values.length - 1; i >= 0; i--) this.bytes(values[i] as Uint8Array).tag(tag);
  }

  packed(values: readonly number[], write: (writer: Writer, value: number, field: string) => unknown, tag: number, field: string): void {
    if (values.length === 0) return;
    const after = this.#written;
    for (let i = values.length - 1; i >= 0; i--) write(this, values[i] as number, field);
    this.#varint(this.#written - after);
    this.tag(tag);
  }

  finish(): Uint8Array {
    const message = allocate(this.#written);
    let scratchEnd = this.#scratch.length;
    let end = message.length;
    for (const { bytes, scratchAfter } of this.#large) {
      const scratchStart = this.#scratch.length - scratchAfter;
      end -= scratchEnd - scratchStart;
      message.set(this.#scratch.subarray(scratchStart, scratchEnd), end);
      scratchEnd = scratchStart;
      end -= bytes.length;
      message.set(bytes, end);
    }
    message.set(this.#scratch.subarray(this.#at, scratchEnd), 0);
    return message;
  }

  reset(): void {
    if (this.#scratch.length > KEEP_SCRATCH_BYTES) this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    this.#at = this.#scratch.length;
    this.#depth = 0;
    if (this.#large.length > 0) this.#large = [];
    this.#largeBytes = 0;
  }

  get #written(): number {
    return this.#scratch.length - this.#at + this.#largeBytes;
  }

  /** The sign fills 64 bits. */
  #negative(value: number): void {
    this.#reserve(10);
    this.#at -= 10;
    let rest = value;
    for (let i = 0; i < 9; i++, rest >>= 7) this.#scratch[this.#at + i] = (rest & 127) | 128;
    this.#scratch[this.#at + 9] = 1;
  }

  #varint(value: number): void {
    this.#reserve(8);
    if (value < 128) {
      this.#scratch[--this.#at] = value;
      return;
    }
    let length = 2;
    for (let limit = 2 ** 14; value >= limit; limit *= 128) length++;
    this.#at -= length;
    let at = this.#at;
    let rest = value;
    for (; rest > MAX_UINT32; rest = Math.floor(rest / 128)) this.#scratch[at++] = (rest % 128) | 128;
    for (; rest >= 128; rest >>>= 7) this.#scratch[at++] = (rest & 127) | 128;
    this.#scratch[at] = rest;
  }

  #reserve(length: number): void {
    if (length <= this.#at) return;
    const used = this.#scratch.length - this.#at;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#scratch.length, used + length));
    this.#scratch.copy(larger, larger.length - used, this.#at);
    this.#at = larger.length - used;
    this.#scratch = larger;
  }
}

function checked(value: number, least: number, greatest: number, field: string): number {
  if (!Number.isInteger(value) || value < least || value > greatest)
    throw unwritable(field, `${value} is no whole number from ${least} to ${greatest}`);
  return value;
}

function unwritable(field: string, what: string): ProtocolError {
  return new ProtocolError("INVALID_REQUEST", `Cannot write the message: ${field}: ${what}`);
}
