import { uuidFromBytes, uuidToText } from "@ottla/protocol";
import { ANY_BROKER_ATTEMPT_MS, type CallLimits, type Cluster } from "../connection/cluster.ts";
import type { ClusterDescription, LogDirDescription } from "./api.ts";
import { topicNames } from "./groups.ts";

export async function describeCluster(cluster: Cluster, limits: CallLimits): Promise<ClusterDescription> {
  const { clusterId, controllerId, controllerTerm, nodes, features, metadataIndex } = await cluster.call(
    "describeCluster",
    { case: "describeCluster", value: {} },
    { ...limits, attemptMs: ANY_BROKER_ATTEMPT_MS },
  );
  return { clusterId, controllerId, controllerTerm, nodes, features, metadataIndex };
}

/** Of every broker unless told. */
export async function describeLogDirs(
  cluster: Cluster,
  nodes: readonly number[] | undefined,
  limits: CallLimits,
): Promise<LogDirDescription[]> {
  if (cluster.metadata.brokers.size === 0) await cluster.metadata.refresh();
  const asked = nodes ?? [...cluster.metadata.brokers.keys()];
  return await Promise.all(
    asked.map(async (nodeId): Promise<LogDirDescription> => {
      const { directory, totalBytes, freeBytes, partitions } = await cluster.call(
        "describeLogDirs",
        { case: "describeLogDirs", value: { partitions: [] } },
        { ...limits, node: nodeId },
      );
      const names = await topicNames(
        cluster,
        partitions.map(({ topicId }) => uuidFromBytes(topicId)),
        limits,
      );
      return {
        nodeId,
        directory,
        totalBytes,
        freeBytes,
        partitions: partitions.map(({ topicId, partition, sizeBytes, logStartOffset, highWatermark, logEndOffset, damaged }) => {
          const id = uuidFromBytes(topicId);
          return {
            topic: names.get(id) ?? null,
            topicId: uuidToText(id),
            partition,
            sizeBytes,
            logStartOffset,
            highWatermark,
            logEndOffset,
            damaged,
          };
        }),
      };
    }),
  );
}
