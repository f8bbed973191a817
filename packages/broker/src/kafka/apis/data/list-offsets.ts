import { assert, kafka, ProtocolError } from "@ottla/protocol";
import type { OffsetQuery } from "../../../operations/list-offsets.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { wireCode } from "../../wire-error.ts";
import { boundPartitions } from "./limits.ts";
import { namedTwice, sayByName, topicIdOf } from "./topics.ts";

/** The version with which each of the numbers that are no time came: latest, earliest, highest timestamp, earliest here, latest elsewhere. */
const firstWith: ReadonlyMap<number, number> = new Map([
  [-1, 1],
  [-2, 1],
  [-3, 7],
  [-4, 8],
  [-5, 9],
]);

type Answer = kafka.ListOffsetsResponse["topics"][number]["partitions"][number];

/** There are no transactions, so the last stable offset is the high watermark, and both isolation levels get the same. */
export const listOffsets = defineApi<kafka.ListOffsetsRequest, kafka.ListOffsetsResponse>({
  api: kafka.apis.listOffsets,
  // 0 asks for several offsets at a time, which no client has done for long.
  versions: [1, 10],
  handle,
});

async function handle(
  { operations, parts, metrics }: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.ListOffsetsRequest>,
): Promise<kafka.ListOffsetsResponse> {
  boundPartitions("ListOffsets", body.topics, ({ partitions }) => partitions);
  const queries: OffsetQuery[] = [];
  const refusals = new Map<string, ProtocolError>();
  const seen = new Set<string>();
  for (const { name, partitions } of body.topics) {
    const topicId = topicIdOf(parts, name);
    for (const { partitionIndex: partition, timestamp, currentLeaderEpoch: leaderEpoch } of partitions) {
      const key = `${name}:${partition}`;
      if (seen.has(key)) refusals.set(key, namedTwice(name, partition));
      seen.add(key);
      queries.push({ topicId, partition, timestamp, leaderEpoch });
    }
  }
  const found = await operations.listOffsets(context, queries);
  let at = 0;
  const topics = body.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, timestamp }): Answer => {
      const one = refusals.get(`${name}:${partitionIndex}`) ?? tooNew(version, timestamp) ?? found[at];
      at++;
      assert(one !== undefined, `${found.length} offsets for ${queries.length} partitions`);
      if (!(one instanceof ProtocolError)) return { partitionIndex, errorCode: 0, ...one };
      metrics.failed("ListOffsets", one.code);
      return {
        partitionIndex,
        errorCode: wireCode(kafka.apis.listOffsets.name, version, sayByName(one, name).error),
        timestamp: -1,
        offset: -1,
      };
    }),
  }));
  return { topics };
}

function tooNew(version: number, timestamp: number): ProtocolError | null {
  if (timestamp >= 0 || version >= (firstWith.get(timestamp) ?? Infinity)) return null;
  return new ProtocolError("UNSUPPORTED_VERSION", `Version ${version} of ListOffsets knows no offset at ${timestamp}`);
}
