import { type ErrorName, errorName, kafka, type pb, uuidFromBytes, uuidToBytes } from "@ottla/protocol";
import { metadata as ask } from "../../operations/metadata.ts";
import { controllerAmong } from "../../operations/addresses.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../api.ts";
import { wireCode } from "../wire-error.ts";
import { ALL_CLUSTER_OPERATIONS, ALL_TOPIC_OPERATIONS } from "./admin/authorized-operations.ts";

/** The request has no time limit of its own; clients wait for 30 s at least. */
const CREATE_TIMEOUT_MS = 10_000;
const NO_LEADER = -1;
const NO_ID = "00000000000000000000000000000000";

export const metadata = defineApi({ api: kafka.apis.metadata, versions: [0, 13], handle });

async function handle(door: KafkaParts, { version, context, body }: KafkaRequest<kafka.MetadataRequest>): Promise<kafka.MetadataResponse> {
  const { parts, metrics } = door;
  const call = asked(version, body);
  const answer = await ask(parts, { ...context, deadlineMs: parts.clock.monotonicMs() + CREATE_TIMEOUT_MS }, call);
  const reachable = new Set(answer.brokers.map(({ nodeId }) => nodeId));
  return {
    throttleTimeMs: 0,
    brokers: answer.brokers.map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack: rack === "" ? null : rack })),
    clusterId: answer.clusterId,
    controllerId: controllerAmong(answer.brokers, parts),
    topics: answer.topics.map((topic) => {
      if (topic.errorCode !== 0) metrics.failed("Metadata", topic.errorCode);
      return {
        ...describe(topic, version, reachable),
        ...(body.includeTopicAuthorizedOperations ? { topicAuthorizedOperations: ALL_TOPIC_OPERATIONS } : {}),
      };
    }),
    ...(body.includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: ALL_CLUSTER_OPERATIONS } : {}),
    errorCode: 0,
  };
}

/** Before version 1 an empty list asks for all topics; from then on a missing one does, and an empty one asks for the brokers alone. */
function asked(version: number, { topics, allowAutoTopicCreation }: kafka.MetadataRequest): pb.MetadataCall {
  const allTopics = topics === null || (version === 0 && topics.length === 0);
  const names: string[] = [];
  const topicIds: Uint8Array[] = [];
  for (const { name, topicId } of topics ?? []) {
    // Java's clients that ask by id leave the name empty, not null.
    if (topicId !== NO_ID || name === null) topicIds.push(uuidToBytes(topicId));
    else names.push(name);
  }
  return { names, topicIds, allTopics, allowAutoCreation: allowAutoTopicCreation };
}

function describe(topic: pb.TopicMetadata, version: number, reachable: ReadonlySet<number>): Topics[number] {
  const known = topic.topicId.length > 0 ? { topicId: uuidFromBytes(topic.topicId) } : {};
  return {
    errorCode: code(version, errorName(topic.errorCode)),
    // Of a topic that is asked for by an id nobody has, only newer versions can leave out the name.
    name: topic.name === "" && version >= 12 ? null : topic.name,
    ...known,
    isInternal: false,
    partitions: topic.partitions.map(({ partition, leader, leaderEpoch, replicas, isr, offline }) => ({
      errorCode: code(version, leaderError(leader, reachable)),
      partitionIndex: partition,
      leaderId: leader,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      offlineReplicas: offline,
    })),
  };
}

type Topics = kafka.MetadataResponse["topics"];

function leaderError(leader: number, reachable: ReadonlySet<number>): ErrorName {
  if (leader === NO_LEADER) return "LEADER_NOT_AVAILABLE";
  // It lives, or will soon be replaced; but this client has no way to it.
  return reachable.has(leader) ? "NONE" : "LISTENER_NOT_FOUND";
}

function code(version: number, error: ErrorName): number {
  return wireCode("Metadata", version, error);
}
