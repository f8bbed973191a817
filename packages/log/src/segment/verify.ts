import { BATCH_HEADER_BYTES, type BatchHeader, batchCrcMatches, crc32c, ProtocolError, readBatchHeader } from "@ottla/protocol";
import type { EpochCache } from "../log/epoch-cache.ts";

/** Larger than any batch that a setting allows: a length beyond it is not believed. */
export const MAX_BATCH_BYTES = 128 << 20;
const LENGTH_AT = 8;
const UNCOUNTED_BYTES = 12;

/** The size that a batch claims in its first 12 bytes; null when no batch can have it. */
export function claimedSize(head: Uint8Array): number | null {
  const length = new DataView(head.buffer, head.byteOffset).getInt32(LENGTH_AT);
  const size = length + UNCOUNTED_BYTES;
  return size >= BATCH_HEADER_BYTES && size <= MAX_BATCH_BYTES ? size : null;
}

/** Binds a mark to the header bytes of the batch it follows, those outside the batch's own CRC included. */
export function headerCheck(batch: Uint8Array): number {
  return crc32c(batch.subarray(0, BATCH_HEADER_BYTES));
}

/** What a batch in the log must be besides whole. */
export interface Expected {
  readonly offset: number;
  readonly epochs: EpochCache;
  /** Below it the epoch cache is known to be complete; beyond it epochs may begin that only the batches tell of. */
  readonly epochsKnownUntil: number;
  readonly lastEpoch: number;
}

/** The header of a batch that is what was appended; otherwise the reason, in words. */
export function verifyBatch(batch: Uint8Array, expected: Expected): BatchHeader | string {
  let header: BatchHeader;
  try {
    header = readBatchHeader(batch);
  } catch (error) {
    if (error instanceof ProtocolError) return error.message;
    throw error;
  }
  if (header.magic !== 2) return `its magic is ${header.magic}, not 2`;
  if (header.baseOffset !== expected.offset) return `its base offset is ${header.baseOffset}, not ${expected.offset}`;
  if (header.lastOffsetDelta < 0) return `its last offset delta is ${header.lastOffsetDelta}`;
  const known = expected.epochs.at(expected.offset);
  const wrong = known !== null && (expected.offset < expected.epochsKnownUntil ? header.leaderEpoch !== known : header.leaderEpoch < known);
  if (wrong) return `its leader epoch is ${header.leaderEpoch}, not ${known}`;
  if (header.leaderEpoch < expected.lastEpoch)
    return `its leader epoch ${header.leaderEpoch} is below ${expected.lastEpoch}, that of the batch before`;
  if (!batchCrcMatches(batch)) return "its CRC does not match its bytes";
  return header;
}
