import { ProtocolError } from "../errors.ts";
import type { Header, RecordToEncode } from "./record.ts";
import { varintBytes, writeVarint } from "./varint.ts";

const text = new TextEncoder();

// What measureRecords found out for writeRecords, which follows at once: without the length itself.
let recordBytes = new Int32Array(1024);

/** The bytes of all records, and their latest timestamp. */
export function measureRecords(records: readonly RecordToEncode[], baseTimestamp: number): { bytes: number; maxTimestamp: number } {
  if (recordBytes.length < records.length) recordBytes = new Int32Array(2 * records.length);
  let bytes = 0;
  let maxTimestamp = baseTimestamp;
  for (let i = 0; i < records.length; i++) {
    const { key, value, headers, timestamp } = records[i] as RecordToEncode;
    if (!Number.isSafeInteger(timestamp) || !Number.isSafeInteger(timestamp - baseTimestamp))
      throw new ProtocolError(
        "INVALID_TIMESTAMP",
        `Cannot encode record ${i}: its timestamp ${timestamp} is no whole number of milliseconds within 2^53 of the first record's`,
      );
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    // The attributes take one byte.
    let length = 1 + varintBytes(timestamp - baseTimestamp) + varintBytes(i) + nullableBytes(key) + nullableBytes(value);
    length += headers === undefined ? 1 : headersBytes(headers);
    recordBytes[i] = length;
    bytes += varintBytes(length) + length;
  }
  return { bytes, maxTimestamp };
}

export function writeRecords(into: Uint8Array, from: number, records: readonly RecordToEncode[], baseTimestamp: number): void {
  let at = from;
  for (let i = 0; i < records.length; i++) {
    const { key, value, headers, timestamp } = records[i] as RecordToEncode;
    at = writeVarint(into, at, recordBytes[i] as number);
    into[at++] = 0;
    at = writeVarint(into, at, timestamp - baseTimestamp);
    at = writeVarint(into, at, i);
    at = writeNullable(into, at, key);
    at = writeNullable(into, at, value);
    if (headers === undefined) into[at++] = 0;
    else at = writeHeaders(into, at, headers);
  }
}

function nullableBytes(value: Uint8Array | null): number {
  return value === null ? 1 : varintBytes(value.length) + value.length;
}

function writeNullable(into: Uint8Array, from: number, value: Uint8Array | null): number {
  if (value === null) return writeVarint(into, from, -1);
  const at = writeVarint(into, from, value.length);
  into.set(value, at);
  return at + value.length;
}

function headersBytes(headers: readonly Header[]): number {
  let bytes = varintBytes(headers.length);
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key);
    bytes += varintBytes(keyBytes) + keyBytes + nullableBytes(value);
  }
  return bytes;
}

function writeHeaders(into: Uint8Array, from: number, headers: readonly Header[]): number {
  let at = writeVarint(into, from, headers.length);
  for (const { key, value } of headers) {
    at = writeVarint(into, at, Buffer.byteLength(key));
    at += text.encodeInto(key, into.subarray(at)).written;
    at = writeNullable(into, at, value);
  }
  return at;
}
