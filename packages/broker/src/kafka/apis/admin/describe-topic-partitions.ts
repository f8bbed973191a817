import type { ClusterImage } from "@ottla/metadata";
import { errors, kafka, type pb, type Uuid, uuidFromBytes } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { ask, USUAL_TIMEOUT_MS } from "./ask.ts";
import { ALL_TOPIC_OPERATIONS } from "./authorized-operations.ts";
import { Outcomes } from "./outcomes.ts";

type Cursor = NonNullable<kafka.DescribeTopicPartitionsRequest["cursor"]>;
type Answer = kafka.DescribeTopicPartitionsResponse["topics"][number];

/** As Kafka's max.request.partition.size.limit is by default. */
const MOST_PARTITIONS = 2000;
const NO_ID = "00000000000000000000000000000000" as Uuid;

export const describeTopicPartitions = defineApi<kafka.DescribeTopicPartitionsRequest, kafka.DescribeTopicPartitionsResponse>({
  api: kafka.apis.describeTopicPartitions,
  versions: [0, 0],
  handle,
});

/** A page of partitions, in the order of topic names; the cursor says where the next begins. */
async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.DescribeTopicPartitionsRequest>,
): Promise<kafka.DescribeTopicPartitionsResponse> {
  const outcomes = new Outcomes(door, kafka.apis.describeTopicPartitions, version);
  const { image } = door.parts;
  const from = body.cursor;
  let room = Math.max(1, Math.min(body.responsePartitionLimit, MOST_PARTITIONS));
  const asked = body.topics.length > 0 ? body.topics.map(({ name }) => name) : [...image.topics()].map(({ name }) => name);
  const names = [...new Set(asked)].filter((name) => from === null || name >= from.topicName).sort(byName);
  const here = names.slice(0, fitting(names, room, image, from));
  const call = { names: here, topicIds: [], allTopics: false, allowAutoCreation: false };
  const described = here.length === 0 ? [] : (await ask(door, context, USUAL_TIMEOUT_MS, "metadata", call)).topics;
  const topics: Answer[] = [];
  for (const topic of described) {
    const first = from !== null && topic.name === from.topicName ? Math.max(0, from.partitionIndex) : 0;
    if (room === 0) return { topics, nextCursor: { topicName: topic.name, partitionIndex: first } };
    const page = topic.partitions.slice(first, first + room);
    room -= page.length;
    const { errorCode } = outcomes.of(topic);
    topics.push({
      errorCode,
      name: topic.name,
      topicId: topic.topicId.length === 0 ? NO_ID : uuidFromBytes(topic.topicId),
      partitions: page.map(partition),
      ...(errorCode === 0 ? { topicAuthorizedOperations: ALL_TOPIC_OPERATIONS } : {}),
    });
    const next = first + page.length;
    if (next < topic.partitions.length) return { topics, nextCursor: { topicName: topic.name, partitionIndex: next } };
  }
  const next = names[here.length];
  return next === undefined ? { topics } : { topics, nextCursor: { topicName: next, partitionIndex: 0 } };
}

/** How many of the topics have a partition in the page: of the others nothing need be looked up. */
function fitting(names: readonly string[], room: number, image: ClusterImage, from: Cursor | null): number {
  let left = room;
  const end = names.findIndex((name) => {
    if (left <= 0) return true;
    const passed = from?.topicName === name ? Math.max(0, from.partitionIndex) : 0;
    left -= Math.max(0, (image.topicByName(name)?.partitions.length ?? 0) - passed);
    return false;
  });
  return end < 0 ? names.length : end;
}

/** As Kafka compares names. */
function byName(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function partition({
  partition: index,
  leader,
  leaderEpoch,
  replicas,
  isr,
  elr,
  offline,
}: pb.PartitionMetadata): Answer["partitions"][number] {
  return {
    errorCode: leader === -1 ? errors.LEADER_NOT_AVAILABLE.code : 0,
    partitionIndex: index,
    leaderId: leader,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    eligibleLeaderReplicas: elr,
    lastKnownElr: [],
    offlineReplicas: offline,
  };
}
