import { kafka, ProtocolError } from "@ottla/protocol";
import { lookAtMany } from "../../../operations/many.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { wireCode } from "../../wire-error.ts";
import { boundPartitions } from "./limits.ts";
import { namedTwice, sayByName, topicIdOf } from "./topics.ts";

type Answer = kafka.DescribeProducersResponse["topics"][number]["partitions"][number];

export const describeProducers = defineApi<kafka.DescribeProducersRequest, kafka.DescribeProducersResponse>({
  api: kafka.apis.describeProducers,
  versions: [0, 0],
  handle,
});

function handle(
  { operations, parts, metrics }: KafkaParts,
  { version, body }: KafkaRequest<kafka.DescribeProducersRequest>,
): kafka.DescribeProducersResponse {
  const count = boundPartitions("DescribeProducers", body.topics, ({ partitionIndexes }) => partitionIndexes);
  const seen = new Set<string>();
  const answer = ({ name, partitionIndexes }: (typeof body.topics)[number]) => {
    const topicId = topicIdOf(parts, name);
    return {
      name,
      partitions: partitionIndexes.map((partitionIndex): Answer => {
        const key = `${name}:${partitionIndex}`;
        // A partition has thousands of producers: asked for again and again, a small request would have an answer of gigabytes.
        const described = seen.has(key) ? namedTwice(name, partitionIndex) : operations.describeProducers(topicId, partitionIndex);
        seen.add(key);
        if (described instanceof ProtocolError) {
          const error = sayByName(described, name);
          metrics.failed("DescribeProducers", described.code);
          const errorCode = wireCode(kafka.apis.describeProducers.name, version, error.error);
          return { partitionIndex, errorCode, errorMessage: error.message, activeProducers: [] };
        }
        const activeProducers = described.map(({ producerId, epoch, lastSequence, lastActiveMs }) => ({
          producerId,
          producerEpoch: epoch,
          lastSequence,
          lastTimestamp: lastActiveMs,
          // Without transactions there is no coordinator, and none is open.
          coordinatorEpoch: -1,
          currentTxnStartOffset: -1,
        }));
        return { partitionIndex, errorCode: 0, activeProducers };
      }),
    };
  };
  return { topics: lookAtMany(count, () => body.topics.map(answer)) };
}
