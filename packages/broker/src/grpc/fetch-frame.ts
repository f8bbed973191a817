import { assert, pb } from "@ottla/protocol";
import type { FetchedPartition } from "../operations/fetch.ts";

const NO_BYTES = new Uint8Array(0);
/** Field 2 of FetchResponse and field 10 of FetchedPartition, both with a length. */
const PARTITION_TAG = (2 << 3) | 2;
const RECORDS_TAG = (10 << 3) | 2;

/** A FetchResponse whose records are not copied into it: they travel as they lie in the log, between the encoded parts around them.
 * This works because `records` is the last field of a partition. */
export function fetchFrame(correlationId: number, asked: readonly pb.FetchPartition[], fetched: readonly FetchedPartition[]): Uint8Array[] {
  const frame = [pb.FetchResponse.encode({ correlationId, partitions: [], errorCode: 0, errorMessage: "" })];
  for (let i = 0; i < fetched.length; i++) {
    const one = fetched[i];
    const { topicId, partition } = asked[i] ?? {};
    assert(
      one !== undefined && topicId !== undefined && partition !== undefined,
      `${fetched.length} answers for ${asked.length} partitions`,
    );
    const head = pb.FetchedPartition.encode({
      topicId,
      partition,
      errorCode: one.error?.code ?? 0,
      errorMessage: one.error?.message ?? "",
      highWatermark: one.highWatermark,
      lastStableOffset: one.lastStableOffset,
      logStartOffset: one.logStartOffset,
      leaderEpoch: one.leaderEpoch,
      leader: one.leader,
      records: NO_BYTES,
    });
    frame.push(envelope(head, one.bytes), ...one.records);
  }
  return frame;
}

function envelope(head: Uint8Array, recordBytes: number): Uint8Array {
  const recordsPrefix = recordBytes > 0 ? 1 + varintLength(recordBytes) : 0;
  const length = head.length + recordsPrefix + recordBytes;
  const bytes = new Uint8Array(1 + varintLength(length) + head.length + recordsPrefix);
  bytes[0] = PARTITION_TAG;
  let at = writeVarint(bytes, 1, length);
  bytes.set(head, at);
  at += head.length;
  if (recordBytes > 0) {
    bytes[at] = RECORDS_TAG;
    writeVarint(bytes, at + 1, recordBytes);
  }
  return bytes;
}

function varintLength(value: number): number {
  let length = 1;
  for (let limit = 128; value >= limit; limit *= 128) length++;
  return length;
}

/** @returns where the next byte goes */
function writeVarint(bytes: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128;
  bytes[at++] = rest;
  return at;
}
