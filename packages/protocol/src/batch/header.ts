import type { CodecName } from "@ottla/host";
import { ProtocolError } from "../errors.ts";
import { readInt64, words } from "./int64.ts";
import { at as field, attribute, BATCH_HEADER_BYTES, codecNames, LENGTH_PREFIX_BYTES, MAGIC } from "./layout.ts";

const MAX_SEQUENCE = 2 ** 31 - 1;

/** What stands before the records of a batch; see docs/formats/record-batch.md. */
export interface BatchHeader {
  readonly baseOffset: number;
  /** As on the wire: without the first 12 bytes. */
  readonly batchLength: number;
  /** Of the whole batch. */
  readonly sizeBytes: number;
  readonly leaderEpoch: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly codec: CodecName | "none";
  readonly timestampType: "create" | "append";
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly lastOffsetDelta: number;
  readonly lastOffset: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  /** -1: not idempotent; then the epoch and the sequences mean nothing. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** After 2147483647 comes 0. */
  readonly lastSequence: number;
  /** Fewer than the offsets it spans once a batch has been compacted. */
  readonly recordCount: number;
}

/** Reads the 61 bytes at `at`. The records need not be there, and neither they nor the CRC are looked at.
 * @throws ProtocolError CORRUPT_MESSAGE when the bytes are too few, or lengths and numbers that no batch can have */
export function readBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  if (bytes.length - at < BATCH_HEADER_BYTES)
    throw corrupt(at, `${bytes.length - at} bytes are left, the header alone has ${BATCH_HEADER_BYTES}`);
  return readHeader(words(bytes), at);
}

/** As {@link readBatchHeader}, of bytes that are there. */
export function readHeader(view: DataView, at: number): BatchHeader {
  const magic = view.getInt8(at + field.magic);
  if (magic !== MAGIC) throw corrupt(at, `format version ${magic}, known is ${MAGIC}`);
  const batchLength = view.getInt32(at + field.batchLength);
  if (batchLength < BATCH_HEADER_BYTES - LENGTH_PREFIX_BYTES)
    throw corrupt(at, `batch length ${batchLength}, the least is ${BATCH_HEADER_BYTES - LENGTH_PREFIX_BYTES}`);
  const attributes = view.getUint16(at + field.attributes);
  const codec = codecNames[attributes & attribute.codec];
  if (codec === undefined) throw corrupt(at, `compression ${attributes & attribute.codec}, known are 0 to ${codecNames.length - 1}`);

  const baseOffset = readInt64(view, at + field.baseOffset);
  const lastOffsetDelta = view.getInt32(at + field.lastOffsetDelta);
  const recordCount = view.getInt32(at + field.recordCount);
  const baseTimestamp = readInt64(view, at + field.baseTimestamp);
  const maxTimestamp = readInt64(view, at + field.maxTimestamp);
  const producerId = readInt64(view, at + field.producerId);
  const lastOffset = baseOffset + lastOffsetDelta;
  if (baseOffset < 0 || lastOffsetDelta < 0 || !Number.isSafeInteger(lastOffset))
    throw corrupt(at, `offsets ${baseOffset} plus ${lastOffsetDelta}`);
  if (recordCount < 0) throw corrupt(at, `${recordCount} records`);
  if (!Number.isSafeInteger(baseTimestamp) || !Number.isSafeInteger(maxTimestamp))
    throw corrupt(at, `timestamps ${baseTimestamp} and ${maxTimestamp}, beyond 2^53 - 1`);
  if (!Number.isSafeInteger(producerId)) throw corrupt(at, `producer id ${producerId}, beyond 2^53 - 1`);

  const baseSequence = view.getInt32(at + field.baseSequence);
  return {
    baseOffset,
    batchLength,
    sizeBytes: LENGTH_PREFIX_BYTES + batchLength,
    leaderEpoch: view.getInt32(at + field.leaderEpoch),
    magic,
    crc: view.getUint32(at + field.crc),
    attributes,
    codec,
    timestampType: attributes & attribute.appendTime ? "append" : "create",
    isTransactional: (attributes & attribute.transactional) !== 0,
    isControl: (attributes & attribute.control) !== 0,
    lastOffsetDelta,
    lastOffset,
    baseTimestamp,
    maxTimestamp,
    producerId,
    producerEpoch: view.getInt16(at + field.producerEpoch),
    baseSequence,
    lastSequence: baseSequence < 0 ? -1 : sequencePlus(baseSequence, lastOffsetDelta),
    recordCount,
  };
}

/** The sequence number `count` records later. */
export function sequencePlus(sequence: number, count: number): number {
  return (sequence + count) % (MAX_SEQUENCE + 1);
}

function corrupt(at: number, what: string): ProtocolError {
  return new ProtocolError("CORRUPT_MESSAGE", `Cannot read the record batch at byte ${at}: ${what}`);
}
