import type { TopicImage } from "@ottla/metadata";
import { kafka } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { done } from "./outcomes.ts";

type Answer = kafka.ListPartitionReassignmentsResponse["topics"][number];

export const listPartitionReassignments = defineApi<kafka.ListPartitionReassignmentsRequest, kafka.ListPartitionReassignmentsResponse>({
  api: kafka.apis.listPartitionReassignments,
  versions: [0, 0],
  handle,
});

/** Only what is under way: a partition that was asked for and does not move is not listed. */
async function handle(
  { parts }: KafkaParts,
  { body }: KafkaRequest<kafka.ListPartitionReassignmentsRequest>,
): Promise<kafka.ListPartitionReassignmentsResponse> {
  const { image } = parts;
  // Whoever has just begun a move through another broker expects to see it.
  await parts.link.caughtUp();
  const topics =
    body.topics === null
      ? [...image.topics()].map((topic) => underWay(topic, null))
      : [...wantedOf(body.topics)].flatMap(([name, wanted]) => {
          const topic = image.topicByName(name);
          return topic === undefined ? [] : [underWay(topic, wanted)];
        });
  return { ...done, topics: topics.filter(({ partitions }) => partitions.length > 0) };
}

/** Each topic once, however often it is named. */
function wantedOf(topics: NonNullable<kafka.ListPartitionReassignmentsRequest["topics"]>): Map<string, Set<number>> {
  const wanted = new Map<string, Set<number>>();
  for (const { name, partitionIndexes } of topics) {
    const partitions = wanted.get(name) ?? new Set();
    wanted.set(name, partitions);
    for (const partition of partitionIndexes) partitions.add(partition);
  }
  return wanted;
}

function underWay({ name, partitions }: TopicImage, wanted: ReadonlySet<number> | null): Answer {
  const moving = partitions.filter(
    ({ partition, adding, removing }) => adding.length + removing.length > 0 && (wanted === null || wanted.has(partition)),
  );
  return {
    name,
    partitions: moving.map(({ partition, replicas, adding, removing }) => ({
      partitionIndex: partition,
      replicas,
      addingReplicas: adding,
      removingReplicas: removing,
    })),
  };
}
