import { kafka, type pb, ProtocolError, type Uuid, uuidFromBytes } from "@ottla/protocol";
import { topicConfigEntries } from "../../../operations/config-entries.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { boundPartitions } from "../data/limits.ts";
import { ask } from "./ask.ts";
import { Outcomes, repeated } from "./outcomes.ts";

type Asked = kafka.CreateTopicsRequest["topics"][number];
type Answer = kafka.CreateTopicsResponse["topics"][number];

/** As many as the controllers make partitions at once. */
const MOST_TOPICS = 10_000;

export const createTopics = defineApi<kafka.CreateTopicsRequest, kafka.CreateTopicsResponse>({
  api: kafka.apis.createTopics,
  versions: [0, 7],
  handle,
});

async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.CreateTopicsRequest>,
): Promise<kafka.CreateTopicsResponse> {
  boundPartitions("CreateTopics", body.topics, () => [], MOST_TOPICS);
  const outcomes = new Outcomes(door, kafka.apis.createTopics, version);
  const twice = repeated(body.topics.map(({ name }) => name));
  const answers = new Map<string, Answer>();
  const wanted: { asked: Asked; topic: pb.NewTopic }[] = [];
  for (const asked of body.topics) {
    try {
      if (twice.has(asked.name))
        throw new ProtocolError("INVALID_REQUEST", `Cannot create topic "${asked.name}": the request names it more than once`);
      wanted.push({ asked, topic: newTopic(asked) });
    } catch (error) {
      answers.set(asked.name, { name: asked.name, ...outcomes.caught(error) });
    }
  }
  if (wanted.length > 0) {
    try {
      const { topics } = await ask(door, context, body.timeoutMs, "createTopics", {
        topics: wanted.map(({ topic }) => topic),
        validateOnly: body.validateOnly,
      });
      topics.forEach((created, at) =>
        answers.set(created.name, { name: created.name, ...answer(door, outcomes, created, wanted[at]?.topic) }),
      );
    } catch (error) {
      const outcome = outcomes.caught(error);
      for (const { asked } of wanted) answers.set(asked.name, { name: asked.name, ...outcome });
    }
  }
  return { topics: [...answers.values()] };
}

function newTopic({ name, numPartitions, replicationFactor, assignments, configs }: Asked): pb.NewTopic {
  const sorted = [...assignments].sort((one, other) => one.partitionIndex - other.partitionIndex);
  const gap = sorted.findIndex(({ partitionIndex }, at) => partitionIndex !== at);
  if (gap >= 0)
    throw new ProtocolError(
      "INVALID_REPLICA_ASSIGNMENT",
      `Cannot create topic "${name}": its assignments must be of partitions 0 to ${sorted.length - 1}, each once, and partition ${gap} is missing`,
    );
  return {
    name,
    partitions: numPartitions,
    replicationFactor,
    assignments: sorted.map(({ brokerIds }) => ({ nodes: [...brokerIds] })),
    configs: configs.map((config) => {
      if (config.value === null)
        throw new ProtocolError("INVALID_CONFIG", `Cannot create topic "${name}" with setting ${config.name} and no value for it`);
      return { name: config.name, value: config.value };
    }),
  };
}

function answer({ parts }: KafkaParts, outcomes: Outcomes, created: pb.CreatedTopic, asked: pb.NewTopic | undefined): Omit<Answer, "name"> {
  const outcome = outcomes.of(created);
  if (created.errorCode !== 0) return outcome;
  const own = new Map(asked?.configs.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])));
  return {
    ...outcome,
    topicId: topicIdOf(created),
    numPartitions: created.partitions,
    replicationFactor: created.replicationFactor,
    configs: topicConfigEntries(parts, own).map(({ name, value, readOnly, source, sensitive }) => ({
      name,
      value: value ?? null,
      readOnly,
      configSource: source,
      isSensitive: sensitive,
    })),
  };
}

const NO_ID = "00000000000000000000000000000000" as Uuid;

/** Nothing was made when the request was only checked. */
function topicIdOf({ topicId }: pb.CreatedTopic): Uuid {
  return topicId.length === 0 ? NO_ID : uuidFromBytes(topicId);
}
