import type { Codecs } from "@ottla/host";
import { type BatchHeader, decodeBatch, ProtocolError } from "@ottla/protocol";
import type { Partition } from "./partition.ts";

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_HERE = -4;
const LATEST_ELSEWHERE = -5;

export interface FoundOffset {
  /** -1: there is no such record. */
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** The offset of the first record at or after a time, or -1 latest, -2 earliest, -3 the record with the highest timestamp; and of a log that
 * has moved its older part elsewhere (KIP-405), which none here has: -4 the earliest that is here, -5 the latest that is there.
 * @throws ProtocolError what {@link Partition.requireReadable} throws; CORRUPT_MESSAGE for a batch that cannot be decoded */
export async function listOffset(partition: Partition, timestamp: number, clientEpoch: number, codecs: Codecs): Promise<FoundOffset> {
  const { epoch, end } = partition.requireReadable(clientEpoch);
  const { log } = partition;
  if (timestamp === LATEST) return { offset: end, timestamp: -1, leaderEpoch: epoch };
  if (timestamp === LATEST_ELSEWHERE) return { offset: -1, timestamp: -1, leaderEpoch: -1 };
  if (timestamp === EARLIEST || timestamp === EARLIEST_HERE)
    return { offset: log.startOffset, timestamp: -1, leaderEpoch: log.epochAt(log.startOffset) ?? epoch };
  if (timestamp < MAX_TIMESTAMP)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot list the offset at ${timestamp}: it must be a time, or -1 (latest), -2 (earliest), -3 (highest timestamp), -4 (as -2) or -5 (none)`,
    );
  const found = await (timestamp === MAX_TIMESTAMP ? log.maxTimestamp(end) : log.offsetForTimestamp(timestamp, end));
  if (found === null) return { offset: -1, timestamp: -1, leaderEpoch: -1 };
  const wanted = timestamp === MAX_TIMESTAMP ? found.header.maxTimestamp : timestamp;
  const record = await firstRecord(found, wanted, log.startOffset, codecs);
  return { ...record, leaderEpoch: found.header.leaderEpoch };
}

async function firstRecord(
  { batch, header }: { batch: Uint8Array; header: BatchHeader },
  wanted: number,
  startOffset: number,
  codecs: Codecs,
): Promise<{ offset: number; timestamp: number }> {
  const first = { offset: Math.max(header.baseOffset, startOffset), timestamp: header.maxTimestamp };
  // With append time all records of a batch bear the batch's own.
  if (header.timestampType === "append") return first;
  const records = await decodeBatch(batch, 0, codecs);
  const record = records.find(({ offset, timestamp }) => timestamp >= wanted && offset >= startOffset);
  // A producer may state a highest timestamp that none of its records has: then nothing in between is missed by beginning at the batch.
  return record ? { offset: record.offset, timestamp: record.timestamp } : first;
}
