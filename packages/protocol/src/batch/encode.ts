import type { CodecName, Codecs } from "@ottla/host";
import { allocate, view } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { writeBatchCrc } from "./checksum.ts";
import { compress } from "./compression.ts";
import { words, writeInt64 } from "./int64.ts";
import { at as field, attribute, BATCH_HEADER_BYTES, codecNames, LENGTH_PREFIX_BYTES, MAGIC } from "./layout.ts";
import { measureRecords, writeRecords } from "./record-writer.ts";
import type { RecordToEncode } from "./record.ts";

export interface BatchOptions {
  /** -1, the default: not idempotent. */
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
}

export interface CompressedBatchOptions extends BatchOptions {
  readonly codec: CodecName | "none";
  readonly codecs: Codecs;
}

/** One batch with base offset 0 and no leader epoch: what a producer sends.
 * @throws ProtocolError INVALID_RECORD without records; INVALID_TIMESTAMP when a timestamp is no whole number of milliseconds */
export function encodeBatchSync(records: readonly RecordToEncode[], options: BatchOptions = {}): Uint8Array {
  const [first] = records;
  if (first === undefined) throw new ProtocolError("INVALID_RECORD", "Cannot encode a record batch without records");
  const baseTimestamp = first.timestamp;
  const measured = measureRecords(records, baseTimestamp);
  const batch = allocate(BATCH_HEADER_BYTES + measured.bytes);
  writeRecords(batch, BATCH_HEADER_BYTES, records, baseTimestamp);

  const header = words(batch);
  writeInt64(header, field.baseOffset, 0);
  header.setInt32(field.leaderEpoch, -1);
  header.setInt8(field.magic, MAGIC);
  header.setUint16(field.attributes, options.isTransactional ? attribute.transactional : 0);
  header.setInt32(field.lastOffsetDelta, records.length - 1);
  writeInt64(header, field.baseTimestamp, baseTimestamp);
  writeInt64(header, field.maxTimestamp, measured.maxTimestamp);
  writeInt64(header, field.producerId, options.producerId ?? -1);
  header.setInt16(field.producerEpoch, options.producerEpoch ?? -1);
  header.setInt32(field.baseSequence, options.baseSequence ?? -1);
  header.setInt32(field.recordCount, records.length);
  seal(batch);
  return batch;
}

/** As {@link encodeBatchSync}, with the records as one compressed block.
 * @throws ProtocolError UNSUPPORTED_COMPRESSION_TYPE when the codec's package is not installed */
export async function encodeBatch(records: readonly RecordToEncode[], options: CompressedBatchOptions): Promise<Uint8Array> {
  const plain = encodeBatchSync(records, options);
  if (options.codec === "none") return plain;
  const block = await compress(options.codec, view(plain, BATCH_HEADER_BYTES, plain.length), options.codecs);
  const batch = allocate(BATCH_HEADER_BYTES + block.length);
  batch.set(view(plain, 0, BATCH_HEADER_BYTES));
  batch.set(block, BATCH_HEADER_BYTES);
  const header = words(batch);
  header.setUint16(field.attributes, header.getUint16(field.attributes) | codecNames.indexOf(options.codec));
  seal(batch);
  return batch;
}

function seal(batch: Uint8Array): void {
  words(batch).setInt32(field.batchLength, batch.length - LENGTH_PREFIX_BYTES);
  writeBatchCrc(batch);
}
