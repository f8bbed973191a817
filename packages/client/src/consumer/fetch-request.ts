import type { pb } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import type { Partition } from "./partition.ts";
import type { ConsumerSettings } from "./settings.ts";

export function fetchRequest(
  cluster: Cluster,
  { maxWaitMs, minBytes, isolation, maxPartitionBytes }: ConsumerSettings,
  correlationId: number,
  maxBytes: number,
  partitions: readonly Partition[],
): pb.FetchRequest {
  return {
    correlationId,
    maxWaitMs,
    minBytes,
    maxBytes,
    isolation,
    partitions: partitions.map(({ topic, partition, fetchOffset }) => ({
      topicId: topic.idBytes,
      partition,
      fetchOffset,
      maxBytes: maxPartitionBytes,
      leaderEpoch: cluster.metadata.partition(topic.id, partition)?.leaderEpoch ?? -1,
    })),
  };
}
