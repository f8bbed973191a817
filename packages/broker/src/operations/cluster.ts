import { metadataVersions } from "@ottla/metadata";
import type { pb } from "@ottla/protocol";
import type { BrokerParts, RequestContext } from "./context.ts";
import { addressOf } from "./metadata.ts";

export function describeCluster(parts: BrokerParts, context: RequestContext): pb.DescribeClusterAnswer {
  const { image } = parts;
  const voters = new Set(image.voters.map(({ nodeId }) => nodeId));
  const ids = [...new Set([...voters, ...image.brokers.keys()])].sort((a, b) => a - b);
  return {
    clusterId: image.clusterId ?? "",
    controllerId: image.controllerId,
    controllerTerm: image.term,
    metadataIndex: image.index,
    nodes: ids.map((nodeId) => {
      const broker = image.brokers.get(nodeId);
      const address = broker === undefined ? null : addressOf(parts, context, broker);
      return {
        nodeId,
        host: address?.host ?? "",
        port: address?.port ?? 0,
        rack: broker?.rack ?? "",
        broker: broker !== undefined,
        voter: voters.has(nodeId),
        fenced: broker?.fenced ?? false,
        brokerEpoch: broker?.brokerEpoch ?? 0,
        version: broker?.version ?? "",
      };
    }),
    features: [...image.features].map(([name, level]) => ({
      name,
      level,
      supportedMin: metadataVersions.min,
      supportedMax: metadataVersions.max,
    })),
  };
}
