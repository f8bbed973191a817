import { ProtocolError } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import { EARLIEST, LATEST, listOffsets } from "../connection/list-offsets.ts";
import { ConsumeError } from "../errors.ts";
import type { SeekTarget } from "./api.ts";
import type { Partition } from "./partition.ts";

export interface Placing {
  readonly partition: Partition;
  readonly target: SeekTarget;
}

/** The offset each target stands for.
 * @throws ConsumeError */
export async function locate(
  cluster: Cluster,
  placings: readonly Placing[],
  isolation: 0 | 1,
  signal: AbortSignal,
): Promise<Map<Partition, number>> {
  const offsets = new Map<Partition, number>();
  const open: { partition: Partition; timestamp: number }[] = [];
  for (const { partition, target } of placings) {
    if (typeof target === "number") offsets.set(partition, target);
    else if (target === "beginning") open.push({ partition, timestamp: EARLIEST });
    else if (target === "end") open.push({ partition, timestamp: LATEST });
    else if ("offset" in target) offsets.set(partition, target.offset);
    else open.push({ partition, timestamp: target.timestamp });
  }
  for (const [partition, offset] of await offsetsAt(cluster, open, isolation, signal)) if (offset >= 0) offsets.set(partition, offset);
  // No record at or after the time: new ones will be.
  const missing = placings.filter(({ partition }) => !offsets.has(partition)).map(({ partition }) => ({ partition, timestamp: LATEST }));
  for (const [partition, offset] of await offsetsAt(cluster, missing, isolation, signal)) offsets.set(partition, offset);
  return offsets;
}

/** -1 where no record is at or after the time.
 * @throws ConsumeError */
export async function offsetsAt(
  cluster: Cluster,
  asked: readonly { partition: Partition; timestamp: number }[],
  isolation: 0 | 1,
  signal: AbortSignal,
): Promise<Map<Partition, number>> {
  const offsets = new Map<Partition, number>();
  if (asked.length === 0) return offsets;
  const questions = asked.map(({ partition, timestamp }) => ({
    source: partition,
    topic: partition.topic,
    partition: partition.partition,
    timestamp,
  }));
  for (const [{ source }, answer] of await listOffsets(cluster, questions, isolation, { signal })) {
    if (answer instanceof ProtocolError)
      throw new ConsumeError(
        answer.error,
        source.topic.name,
        source.partition,
        `Cannot list the offsets of ${source.label}: ${answer.message}`,
        answer,
      );
    offsets.set(source, answer.offset);
  }
  return offsets;
}

/** Decides what an offset that the leader does not have means. The leader may only be behind: then the position stays. */
export async function reset(
  cluster: Cluster,
  partition: Partition,
  offsetReset: "earliest" | "latest" | "none",
  isolation: 0 | 1,
  signal: AbortSignal,
): Promise<number> {
  const { fetchOffset } = partition;
  const start = (await offsetsAt(cluster, [{ partition, timestamp: EARLIEST }], isolation, signal)).get(partition) ?? -1;
  const end = (await offsetsAt(cluster, [{ partition, timestamp: LATEST }], isolation, signal)).get(partition) ?? -1;
  if (fetchOffset >= start && fetchOffset <= end) return fetchOffset;
  if (offsetReset === "none") {
    throw new ConsumeError(
      "OFFSET_OUT_OF_RANGE",
      partition.topic.name,
      partition.partition,
      `Cannot consume ${partition.label} from offset ${fetchOffset}: it holds ${start} to ${end} (exclusive), and offsetReset is none; seek to an offset in that range, or set offsetReset to earliest or latest`,
    );
  }
  const to = offsetReset === "earliest" ? start : end;
  cluster.logger.warn(
    { topic: partition.topic.name, partition: partition.partition, from: fetchOffset, to, start, end },
    "the offset is not in the log any more; going on where offsetReset says",
  );
  return to;
}
