import type { Codecs } from "@ottla/host";
import { view } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { batchCrcMatches } from "./checksum.ts";
import { decompress, MAX_DECOMPRESSED_BYTES } from "./compression.ts";
import { readBatchHeader, type BatchHeader } from "./header.ts";
import { BATCH_HEADER_BYTES, MIN_RECORD_BYTES } from "./layout.ts";
import { RecordReader } from "./record-reader.ts";
import type { DecodedRecord } from "./record.ts";

export interface DecodeLimits {
  /** Of the decompressed records; 64 MiB by default. */
  readonly maxOutputBytes?: number;
}

/** The records of the batch at `at`, after checking its CRC.
 * @throws ProtocolError CORRUPT_MESSAGE when anything in it is wrong; UNSUPPORTED_COMPRESSION_TYPE when the codec's package is not installed */
export async function decodeBatch(bytes: Uint8Array, at: number, codecs: Codecs, limits: DecodeLimits = {}): Promise<DecodedRecord[]> {
  const header = verifiedHeader(bytes, at);
  if (header.codec === "none") return readRecords(header, bytes, at + BATCH_HEADER_BYTES, at + header.sizeBytes);
  const block = view(bytes, at + BATCH_HEADER_BYTES, at + header.sizeBytes);
  const records = await decompress(header.codec, block, codecs, limits.maxOutputBytes ?? MAX_DECOMPRESSED_BYTES);
  return readRecords(header, records, 0, records.length);
}

/** As {@link decodeBatch}, for a batch that is not compressed.
 * @throws ProtocolError also UNSUPPORTED_COMPRESSION_TYPE when it is */
export function decodeBatchSync(bytes: Uint8Array, at = 0): DecodedRecord[] {
  const header = verifiedHeader(bytes, at);
  if (header.codec !== "none")
    throw new ProtocolError(
      "UNSUPPORTED_COMPRESSION_TYPE",
      `Cannot read the record batch at offset ${header.baseOffset} synchronously: it is compressed with ${header.codec}; use decodeBatch`,
    );
  return readRecords(header, bytes, at + BATCH_HEADER_BYTES, at + header.sizeBytes);
}

function verifiedHeader(bytes: Uint8Array, at: number): BatchHeader {
  const header = readBatchHeader(bytes, at);
  if (batchCrcMatches(bytes, at)) return header;
  const left = bytes.length - at;
  const what = header.sizeBytes > left ? `it has ${header.sizeBytes} bytes, ${left} are left` : "its CRC-32C is not that of its bytes";
  throw new ProtocolError("CORRUPT_MESSAGE", `Cannot read the record batch at offset ${header.baseOffset}: ${what}`);
}

function readRecords(header: BatchHeader, bytes: Uint8Array, from: number, end: number): DecodedRecord[] {
  const { recordCount, baseOffset, baseTimestamp, lastOffsetDelta } = header;
  const reader = new RecordReader(bytes, from, end, `the batch at offset ${baseOffset}`);
  if (recordCount * MIN_RECORD_BYTES > end - from)
    throw reader.corrupt(`${recordCount} of them are announced, ${end - from} bytes are there`);
  const appendTimestamp = header.timestampType === "append" ? header.maxTimestamp : undefined;
  const records: DecodedRecord[] = [];
  let leastDelta = 0;
  for (let i = 0; i < recordCount; i++) {
    const length = reader.varint();
    const recordEnd = reader.at + length;
    if (length < 0 || recordEnd > end) throw reader.corrupt(`record ${i} has ${length} bytes, ${end - reader.at} are left`);
    reader.limit(recordEnd);
    reader.skip(1);
    const timestamp = baseTimestamp + reader.varint();
    const offsetDelta = reader.varint();
    if (offsetDelta < leastDelta || offsetDelta > lastOffsetDelta)
      throw reader.corrupt(`record ${i} has offset delta ${offsetDelta}, possible are ${leastDelta} to ${lastOffsetDelta}`);
    leastDelta = offsetDelta + 1;
    const key = reader.nullableBytes();
    const value = reader.nullableBytes();
    const headers = reader.headers();
    if (reader.at !== recordEnd) throw reader.corrupt(`record ${i} has ${length} bytes and ends ${recordEnd - reader.at} before`);
    if (!Number.isSafeInteger(timestamp)) throw reader.corrupt(`record ${i} has timestamp ${timestamp}, beyond 2^53 - 1`);
    records.push({ offset: baseOffset + offsetDelta, timestamp: appendTimestamp ?? timestamp, key, value, headers });
    reader.limit(end);
  }
  if (reader.at !== end) throw reader.corrupt(`${end - reader.at} bytes follow the last one`);
  return records;
}
