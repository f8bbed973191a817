import { type ErrorName, errorName, kafka, type pb, uuidFromBytes, uuidToBytes } from "@ottla/protocol";
import type { BrokerParts, RequestContext } from "../../operations/context.ts";
import { metadata as ask } from "../../operations/metadata.ts";
import { addressOf, controllerAmong } from "../../operations/addresses.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../api.ts";
import { wireCode } from "../wire-error.ts";
import { boundPartitions } from "./data/limits.ts";
import { ALL_CLUSTER_OPERATIONS, ALL_TOPIC_OPERATIONS } from "./admin/authorized-operations.ts";

/** The request has no time limit of its own; clients wait for 30 s at least. */
const CREATE_TIMEOUT_MS = 10_000;
const NO_LEADER = -1;
const NO_ID = "00000000000000000000000000000000";

export const metadata = defineApi({ api: kafka.apis.metadata, versions: [0, 13], handle });

async function handle(door: KafkaParts, { version, context, body }: KafkaRequest<kafka.MetadataRequest>): Promise<kafka.MetadataResponse> {
  const { parts, metrics } = door;
  boundPartitions("Metadata", body.topics ?? [], () => []);
  const call = asked(version, body);
  const answer = await ask(parts, { ...context, deadlineMs: parts.clock.monotonicMs() + CREATE_TIMEOUT_MS }, call);
  // Clients take a cluster without brokers for none at all, and this one lives: it answers.
  const brokers = answer.brokers.length > 0 ? answer.brokers : ownEndpoint(parts, context);
  const leaders = new Leaders(parts, brokers);
  return {
    throttleTimeMs: 0,
    brokers: brokers.map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack: rack === "" ? null : rack })),
    clusterId: answer.clusterId,
    controllerId: controllerAmong(brokers, parts),
    topics: answer.topics.map((topic) => {
      if (topic.errorCode !== 0) metrics.failed("Metadata", topic.errorCode);
      return {
        ...describe(topic, version, leaders),
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

/** Why a topic could not be made that was not there, where that passes. librdkafka asks again only for LEADER_NOT_AVAILABLE: for any other code it
 * fails at once what was to be sent to the topic. */
const passing: ReadonlySet<ErrorName> = new Set(["REQUEST_TIMED_OUT", "NOT_CONTROLLER", "BROKER_NOT_AVAILABLE", "TOPIC_ALREADY_EXISTS"]);

function toldOf(error: ErrorName): ErrorName {
  return passing.has(error) ? "LEADER_NOT_AVAILABLE" : error;
}

function describe(topic: pb.TopicMetadata, version: number, leaders: Leaders): Topics[number] {
  const known = topic.topicId.length > 0 ? { topicId: uuidFromBytes(topic.topicId) } : {};
  return {
    errorCode: code(version, toldOf(errorName(topic.errorCode))),
    // Of a topic that is asked for by an id nobody has, only newer versions can leave out the name.
    name: topic.name === "" && version >= 12 ? null : topic.name,
    ...known,
    isInternal: false,
    partitions: topic.partitions.map(({ partition, leader, leaderEpoch, replicas, isr, offline }) => ({
      errorCode: code(version, leaders.error(leader)),
      partitionIndex: partition,
      leaderId: leaders.error(leader) === "NONE" ? leader : NO_LEADER,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      offlineReplicas: offline,
    })),
  };
}

type Topics = kafka.MetadataResponse["topics"];

/** Which leaders a client can be sent to. As in Kafka, one to whom it has no way is not named. */
class Leaders {
  readonly #parts: BrokerParts;
  readonly #told: ReadonlySet<number>;

  constructor(parts: BrokerParts, brokers: readonly pb.BrokerEndpoint[]) {
    this.#parts = parts;
    this.#told = new Set(brokers.map(({ nodeId }) => nodeId));
  }

  error(leader: number): ErrorName {
    if (this.#told.has(leader)) return "NONE";
    const live = this.#parts.image.brokers.get(leader)?.fenced === false;
    return live ? "LISTENER_NOT_FOUND" : "LEADER_NOT_AVAILABLE";
  }
}

function ownEndpoint(parts: BrokerParts, context: RequestContext): pb.BrokerEndpoint[] {
  const own = parts.image.brokers.get(parts.nodeId);
  const address = own === undefined ? null : addressOf(parts, context, own);
  return own === undefined || address === null ? [] : [{ nodeId: own.nodeId, ...address, rack: own.rack }];
}

function code(version: number, error: ErrorName): number {
  return wireCode("Metadata", version, error);
}
