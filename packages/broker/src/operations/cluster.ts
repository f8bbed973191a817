import { metadataVersions } from "@ottla/metadata";
import type { pb } from "@ottla/protocol";
import type { BrokerParts, RequestContext } from "./context.ts";
import { addressOf } from "./addresses.ts";

export function describeCluster(parts: BrokerParts, context: RequestContext): pb.DescribeClusterAnswer {
  const { image } = parts;
  const voters = new Map(image.voters.map((voter) => [voter.nodeId, voter]));
  const ids = [...new Set([...voters.keys(), ...image.brokers.keys()])].sort((a, b) => a - b);
  return {
    clusterId: image.clusterId ?? "",
    controllerId: image.controllerId,
    controllerTerm: image.term,
    metadataIndex: image.index,
    nodes: ids.map((nodeId) => node(parts, context, nodeId, voters.get(nodeId))),
    features: features(parts),
  };
}

/** A controller that is no broker is known by its node door alone. */
function node(parts: BrokerParts, context: RequestContext, nodeId: number, voter: pb.Voter | undefined): pb.ClusterNode {
  const broker = parts.image.brokers.get(nodeId);
  const address = broker === undefined ? null : addressOf(parts, context, broker);
  const nodeDoor = voter === undefined ? [] : [{ listener: "NODE", host: voter.host, port: voter.port }];
  return {
    nodeId,
    host: address?.host ?? "",
    port: address?.port ?? 0,
    rack: broker?.rack ?? "",
    broker: broker !== undefined,
    voter: voter !== undefined,
    fenced: broker?.fenced ?? false,
    brokerEpoch: broker?.brokerEpoch ?? 0,
    version: broker?.version ?? "",
    draining: broker?.draining ?? false,
    shuttingDown: broker?.shuttingDown ?? false,
    endpoints: broker?.endpoints ?? nodeDoor,
  };
}

/** Supported is what every registered node supports: a level beyond it would stop one of them. */
function features({ image }: BrokerParts): pb.Feature[] {
  const ranges = [...image.brokers.values()].map(({ metadataVersionMin: min, metadataVersionMax: max }) => ({ min, max }));
  const supportedMin = Math.max(metadataVersions.min, ...ranges.map(({ min }) => min));
  const supportedMax = Math.min(metadataVersions.max, ...ranges.map(({ max }) => max));
  return [...image.features].map(([name, level]) => ({ name, level, supportedMin, supportedMax }));
}
