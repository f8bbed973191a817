import { kafka, type pb, uuidFromBytes } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { ask, USUAL_TIMEOUT_MS } from "./ask.ts";
import { Outcomes } from "./outcomes.ts";

type Directory = kafka.DescribeLogDirsResponse["results"][number];

export const describeLogDirs = defineApi<kafka.DescribeLogDirsRequest, kafka.DescribeLogDirsResponse>({
  api: kafka.apis.describeLogDirs,
  versions: [1, 4],
  handle,
});

/** One directory, as every broker has. */
async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.DescribeLogDirsRequest>,
): Promise<kafka.DescribeLogDirsResponse> {
  const { parts } = door;
  const wanted = body.topics?.flatMap(({ topic, partitions }) => {
    const topicId = parts.image.topicByName(topic)?.idBytes;
    return topicId === undefined ? [] : partitions.filter((partition) => partition >= 0).map((partition) => ({ topicId, partition }));
  });
  try {
    const answer = await ask(door, context, USUAL_TIMEOUT_MS, "describeLogDirs", { partitions: wanted ?? [] });
    // Without partitions the operation takes all; a client that named none which exist is told of none.
    const partitions = wanted?.length === 0 ? [] : answer.partitions;
    const { directory: logDir, totalBytes, freeBytes: usableBytes } = answer;
    return { results: [{ errorCode: 0, logDir, topics: byTopic(door, partitions), totalBytes, usableBytes }] };
  } catch (error) {
    const { errorCode } = new Outcomes(door, kafka.apis.describeLogDirs, version).caught(error);
    return { results: [{ errorCode, logDir: parts.directory.path, topics: [] }] };
  }
}

function byTopic({ parts: { image } }: KafkaParts, partitions: readonly pb.LogDirPartition[]): Directory["topics"] {
  const topics = new Map<string, Directory["topics"][number]["partitions"][number][]>();
  for (const { topicId, partition, sizeBytes, highWatermark, logEndOffset } of partitions) {
    // A log that the cluster does not know any more has no name to be listed under.
    const name = image.topic(uuidFromBytes(topicId))?.name;
    if (name === undefined) continue;
    const offsetLag = Math.max(0, highWatermark - logEndOffset);
    const entry = { partitionIndex: partition, partitionSize: sizeBytes, offsetLag, isFutureKey: false };
    const listed = topics.get(name);
    if (listed === undefined) topics.set(name, [entry]);
    else listed.push(entry);
  }
  return [...topics].map(([name, entries]) => ({ name, partitions: entries }));
}
