import type { Frame } from "@ottla/host";
import { pb } from "@ottla/protocol";

const NO_BYTES = new Uint8Array(0);
/** Field 4 of ProduceRequest and field 3 of ProducePartition, both with a length. */
const PARTITION_TAG = (4 << 3) | 2;
const RECORDS_TAG = (3 << 3) | 2;

/** A ProduceRequest whose batches are not copied into it: they travel between the encoded parts around them. This works because
 * `partitions` and, in them, `records` are the last fields. */
export function produceFrame(correlationId: number, acks: number, timeoutMs: number, partitions: readonly pb.ProducePartition[]): Frame {
  const frame = [pb.ProduceRequest.encode({ correlationId, acks, timeoutMs, partitions: [] })];
  for (const { topicId, partition, records } of partitions) {
    const head = pb.ProducePartition.encode({ topicId, partition, records: NO_BYTES });
    frame.push(
      Uint8Array.from([
        PARTITION_TAG,
        ...varint(head.length + 1 + varint(records.length).length + records.length),
        ...head,
        RECORDS_TAG,
        ...varint(records.length),
      ]),
      records,
    );
  }
  return frame;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}
