import { type pb, ProtocolError, uuidFromBytes, uuidToText } from "@ottla/protocol";
import type { CallLimits, Cluster } from "../connection/cluster.ts";
import { topicNames } from "./groups.ts";
import type { ClusterEvent, Feature, QuorumDescription, QuorumMember } from "./shape-api.ts";

export async function describeQuorum(cluster: Cluster, limits: CallLimits): Promise<QuorumDescription> {
  const { leaderId, term, commitIndex, firstIndex, members } = await cluster.call(
    "describeQuorum",
    { case: "describeQuorum", value: {} },
    limits,
  );
  return { leaderId, term, commitIndex, firstIndex, members: members.map(toMember) };
}

export async function changeVoters(
  cluster: Cluster,
  change: pb.ChangeVotersCall_Change,
  nodeId: number,
  limits: CallLimits,
): Promise<QuorumMember[]> {
  const { members } = await cluster.call("changeVoters", { case: "changeVoters", value: { change, nodeId } }, limits);
  return members.map(toMember);
}

export async function updateFeature(
  cluster: Cluster,
  name: string,
  level: number,
  validateOnly: boolean,
  limits: CallLimits,
): Promise<Feature> {
  const { feature } = await cluster.call("updateFeatures", { case: "updateFeatures", value: { name, level, validateOnly } }, limits);
  if (feature === undefined)
    throw new ProtocolError("INVALID_REQUEST", `The answer about feature "${name}" does not say which level it has`);
  return feature;
}

/** Oldest first. */
export async function describeEvents(cluster: Cluster, afterNumber: number, limit: number, limits: CallLimits): Promise<ClusterEvent[]> {
  const { events } = await cluster.call("describeEvents", { case: "describeEvents", value: { afterNumber, limit } }, limits);
  const ids = events.flatMap(({ topicId }) => (topicId.length === 0 ? [] : uuidFromBytes(topicId)));
  const names = await topicNames(cluster, ids, limits);
  return events.map(({ number, timeMs, kind, nodeId, topicId, partition, text }) => {
    const id = topicId.length === 0 ? null : uuidFromBytes(topicId);
    return {
      number,
      timeMs,
      kind,
      nodeId: nodeId < 0 ? null : nodeId,
      topic: id === null ? null : (names.get(id) ?? uuidToText(id)),
      partition: partition < 0 ? null : partition,
      text,
    };
  });
}

function toMember({ nodeId, directoryId, voter, host, port, matchIndex, silentMs }: pb.QuorumMember): QuorumMember {
  return {
    nodeId,
    directoryId: directoryId.length === 0 ? "" : uuidToText(uuidFromBytes(directoryId)),
    voter,
    host,
    port,
    matchIndex,
    silentMs,
  };
}
