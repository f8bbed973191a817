import { writeBatchCrc } from "./checksum.ts";
import { words, writeInt64 } from "./int64.ts";
import { at as field, attribute } from "./layout.ts";

/** Outside of the CRC. */
export function setBaseOffset(batch: Uint8Array, offset: number): void {
  writeInt64(words(batch), field.baseOffset, offset);
}

/** Outside of the CRC. */
export function setLeaderEpoch(batch: Uint8Array, epoch: number): void {
  words(batch).setInt32(field.leaderEpoch, epoch);
}

/** For topics whose records bear the time of their append: readers then take it for every record. The CRC is made anew. */
export function stampAppendTime(batch: Uint8Array, nowMs: number): void {
  const header = words(batch);
  header.setUint16(field.attributes, header.getUint16(field.attributes) | attribute.appendTime);
  writeInt64(header, field.maxTimestamp, nowMs);
  writeBatchCrc(batch);
}
