import { kafka, ProtocolError } from "@ottla/protocol";
import { lookAtMany } from "../../../operations/many.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { wireCode } from "../../wire-error.ts";
import { boundPartitions } from "./limits.ts";
import { sayByName, topicIdOf } from "./topics.ts";

type Answer = kafka.OffsetForLeaderEpochResponse["topics"][number]["partitions"][number];

/** librdkafka uses version 2 and no other. */
export const offsetForLeaderEpoch = defineApi<kafka.OffsetForLeaderEpochRequest, kafka.OffsetForLeaderEpochResponse>({
  api: kafka.apis.offsetForLeaderEpoch,
  versions: [2, 4],
  handle,
});

function handle(
  { operations, parts, metrics }: KafkaParts,
  { version, body }: KafkaRequest<kafka.OffsetForLeaderEpochRequest>,
): kafka.OffsetForLeaderEpochResponse {
  const count = boundPartitions("OffsetForLeaderEpoch", body.topics, ({ partitions }) => partitions);
  const answer = ({ topic, partitions }: (typeof body.topics)[number]) => {
    const topicId = topicIdOf(parts, topic);
    return {
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch: epoch }): Answer => {
        const end = operations.epochEnd({ topicId, partition, leaderEpoch: currentLeaderEpoch, epoch });
        if (!(end instanceof ProtocolError)) return { errorCode: 0, partition, leaderEpoch: end.epoch, endOffset: end.endOffset };
        metrics.failed("OffsetForLeaderEpoch", end.code);
        return { errorCode: wireCode(kafka.apis.offsetForLeaderEpoch.name, version, sayByName(end, topic).error), partition };
      }),
    };
  };
  return { topics: lookAtMany(count, () => body.topics.map(answer)) };
}
