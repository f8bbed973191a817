import { writeBatchCrc } from "./checksum.ts";
import { decodeBatchSync } from "./decode.ts";
import type { BatchHeader } from "./header.ts";
import { words, writeInt64 } from "./int64.ts";
import { at as field } from "./layout.ts";

/** Puts right a largest timestamp below that of the first record: some producers leave it out (-1), and records are found by time, and deleted
 * by age, by what the header says. As Kafka does; but a batch whose header could be right is not looked into. Of compressed records only the
 * time of the first is known. The CRC is made anew.
 * @returns the largest timestamp
 * @throws ProtocolError CORRUPT_MESSAGE when the records cannot be read */
export function correctMaxTimestamp(batch: Uint8Array, header: BatchHeader): number {
  const { baseTimestamp, maxTimestamp, codec } = header;
  if (maxTimestamp >= baseTimestamp) return maxTimestamp;
  const largest =
    codec === "none" ? decodeBatchSync(batch).reduce((most, { timestamp }) => Math.max(most, timestamp), baseTimestamp) : baseTimestamp;
  writeInt64(words(batch), field.maxTimestamp, largest);
  writeBatchCrc(batch);
  return largest;
}
