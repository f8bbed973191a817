import { minInSync, type TopicImage } from "@ottla/metadata";
import { checkTopicName, errorName, type pb, ProtocolError, type Uuid, uuidFromBytes, uuidToBytes, uuidToText } from "@ottla/protocol";
import { effectiveSettings } from "../partition/settings.ts";
import { endpointsOf } from "./addresses.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { lookAtMany, mapInTurns } from "./many.ts";
import { createTopics } from "./topics.ts";

/** Of the topics that one request finds missing. Controllers that make a hundred thousand at once are there for nobody else meanwhile. */
const CREATED_AT_ONCE = 1000;

/** Topics asked for by name that do not exist are made first, where the client and the configuration allow it. */
export async function metadata(parts: BrokerParts, context: RequestContext, call: pb.MetadataCall): Promise<pb.MetadataAnswer> {
  const { image, config } = parts;
  // What is named again and again is told once: the answer to a small request would have gigabytes.
  const names = [...new Set(call.names)];
  const topicIds = [...new Set(call.topicIds.map(uuidFromBytes))];
  const missing = names.filter((name) => image.topicByName(name) === undefined);
  const refused =
    call.allowAutoCreation && config.autoCreateTopicsEnable && missing.length > 0
      ? await lookAtMany(missing.length, () => create(parts, context, missing))
      : new Map<string, ProtocolError>();
  // Another broker may have been told to create it a moment ago, and this one has yet to hear of it.
  const unknown = (name: string): boolean => !refused.has(name) && image.topicByName(name) === undefined;
  const current = missing.some(unknown) && (await parts.link.caughtUp());
  const topics = call.allTopics
    ? [...image.topics()].map((topic) => describe(parts, topic))
    : [
        ...(await mapInTurns(parts.clock, names, (name) => byName(parts, name, refused))),
        ...(await mapInTurns(parts.clock, topicIds, (id) => byId(parts, id))),
      ];
  return {
    clusterId: image.clusterId ?? "",
    brokers: endpointsOf(parts, context, image.brokers.keys()),
    controllerId: image.controllerId,
    topics,
    current,
  };
}

async function create(parts: BrokerParts, context: RequestContext, names: readonly string[]): Promise<Map<string, ProtocolError>> {
  const refused = new Map<string, ProtocolError>();
  const wanted = names.filter((name) => {
    try {
      checkTopicName(name);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) refused.set(name, error);
      return false;
    }
  });
  // Whoever asks comes again for what is not there yet.
  for (const name of wanted.splice(CREATED_AT_ONCE))
    refused.set(name, new ProtocolError("LEADER_NOT_AVAILABLE", `Topic "${name}" is not made yet, one of very many: ask again`));
  if (wanted.length === 0) return refused;
  try {
    const { topics } = await createTopics(parts, context, {
      topics: wanted.map((name) => ({ name, partitions: -1, replicationFactor: -1, assignments: [], configs: [] })),
      validateOnly: false,
    });
    for (const { name, errorCode, errorMessage } of topics)
      if (errorCode !== 0) refused.set(name, new ProtocolError(errorName(errorCode), errorMessage));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    for (const name of wanted) refused.set(name, error);
  }
  return refused;
}

function byName(parts: BrokerParts, name: string, refused: ReadonlyMap<string, ProtocolError>): pb.TopicMetadata {
  const topic = parts.image.topicByName(name);
  if (topic) return describe(parts, topic);
  let error = refused.get(name);
  try {
    checkTopicName(name);
  } catch (cause) {
    if (cause instanceof ProtocolError) error = cause;
  }
  error ??= new ProtocolError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `There is no topic "${name}": create it first${parts.config.autoCreateTopicsEnable ? "" : " (auto.create.topics.enable is false)"}`,
  );
  return { name, topicId: new Uint8Array(0), errorCode: error.code, errorMessage: error.message, partitions: [] };
}

function byId(parts: BrokerParts, id: Uuid): pb.TopicMetadata {
  const topic = parts.image.topic(id);
  if (topic) return describe(parts, topic);
  const error = new ProtocolError("UNKNOWN_TOPIC_ID", `There is no topic with id ${uuidToText(id)}`);
  return { name: "", topicId: uuidToBytes(id), errorCode: error.code, errorMessage: error.message, partitions: [] };
}

function describe({ image, config }: BrokerParts, topic: TopicImage): pb.TopicMetadata {
  const live = (nodeId: number): boolean => image.brokers.get(nodeId)?.fenced === false;
  const { minInsyncReplicas } = effectiveSettings(config, image, topic);
  return {
    name: topic.name,
    topicId: topic.idBytes,
    errorCode: 0,
    errorMessage: "",
    partitions: topic.partitions.map((record) => {
      const { partition, leader, leaderEpoch, replicas, isr, elr, adding, removing } = record;
      return {
        partition,
        leader,
        leaderEpoch,
        replicas,
        isr,
        elr,
        adding,
        removing,
        offline: replicas.filter((nodeId) => !live(nodeId)),
        minInSync: minInSync(minInsyncReplicas, record),
      };
    }),
  };
}
