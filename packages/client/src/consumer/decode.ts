import type { Codecs } from "@ottla/host";
import { decodeBatch, decodeBatchSync, type DecodedRecord } from "@ottla/protocol";
import { ConsumeError, messageOf, RecordDecodeError } from "../errors.ts";
import type { Codec } from "../topic/codec.ts";
import type { ConsumerRecord } from "./api.ts";
import type { Cursor, FetchedBatch, Partition, RawRecord } from "./partition.ts";

/** Small batches are handed over together, up to so many records. */
const ENOUGH_RECORDS = 500;

/** Unpacks what the partition has buffered, at least one batch. Returns the cursor and the bytes taken from the buffer.
 * @throws ConsumeError for bytes that are no batch */
export async function decodeNext(partition: Partition, codecs: Codecs): Promise<{ cursor: Cursor; bytes: number }> {
  const { generation } = partition;
  const records: RawRecord[] = [];
  let bytes = 0;
  let nextOffset = partition.position;
  do {
    const batch = partition.batches[0];
    if (batch === undefined) break;
    const decoded = await decode(partition, batch, codecs);
    if (partition.generation !== generation) break;
    partition.batches.shift();
    partition.bufferedBytes -= batch.bytes.length;
    bytes += batch.bytes.length;
    nextOffset = batch.header.lastOffset + 1;
    take(partition, decoded, batch.header.leaderEpoch, records);
  } while (records.length < ENOUGH_RECORDS);
  return { cursor: { partition, generation, records, index: 0, nextOffset, highWatermark: partition.highWatermark }, bytes };
}

/** The record as its topic's codecs read it.
 * @throws RecordDecodeError */
export function typed({ codecs }: Partition, record: RawRecord): ConsumerRecord<unknown, unknown> {
  if (codecs === null) return record;
  const { topic, partition, offset } = record;
  const read = (what: "key" | "value", codec: Codec<unknown>, bytes: Uint8Array | null): unknown => {
    try {
      return bytes === null ? null : codec.decode(bytes);
    } catch (cause) {
      throw new RecordDecodeError(topic, partition, offset, what, codec.name, cause);
    }
  };
  return { ...record, key: read("key", codecs.key, record.key), value: read("value", codecs.value, record.value) };
}

async function decode(partition: Partition, { header, bytes }: FetchedBatch, codecs: Codecs): Promise<DecodedRecord[]> {
  try {
    return header.codec === "none" ? decodeBatchSync(bytes) : await decodeBatch(bytes, 0, codecs);
  } catch (cause) {
    throw new ConsumeError(
      "CORRUPT_MESSAGE",
      partition.topic.name,
      partition.partition,
      `Cannot read ${partition.label} at offset ${header.baseOffset}: ${messageOf(cause)}; seek to offset ${header.lastOffset + 1} to pass over the batch`,
      cause,
    );
  }
}

function take(partition: Partition, decoded: readonly DecodedRecord[], leaderEpoch: number, into: RawRecord[]): void {
  const { topic, partition: number, position, endOffset } = partition;
  for (const { offset, timestamp, key, value, headers } of decoded) {
    if (offset < position) continue;
    if (endOffset !== null && offset >= endOffset) return;
    into.push({ topic: topic.name, partition: number, offset, timestamp, key, value, headers, leaderEpoch });
  }
}
