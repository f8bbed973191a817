import type { CodecName } from "@ottla/host";

/** The fixed part of a batch, before its records. */
export const BATCH_HEADER_BYTES = 61;

/** Base offset and batch length: what the batch length does not count. */
export const LENGTH_PREFIX_BYTES = 12;

/** A record with nothing in it: seven one-byte numbers. */
export const MIN_RECORD_BYTES = 7;

export const MAGIC = 2;

export const at = {
  baseOffset: 0,
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

export const attribute = {
  codec: 0x07,
  appendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const;

export const codecNames: readonly (CodecName | "none")[] = ["none", "gzip", "snappy", "lz4", "zstd"];
