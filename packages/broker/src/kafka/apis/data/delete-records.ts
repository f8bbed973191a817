import { assert, kafka, type pb, ProtocolError, uuidToBytes, errorName } from "@ottla/protocol";
import { lookAtMany } from "../../../operations/many.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { wireCode } from "../../wire-error.ts";
import { boundPartitions } from "./limits.ts";
import { sayByName, topicIdOf } from "./topics.ts";

type Answer = kafka.DeleteRecordsResponse["topics"][number]["partitions"][number];

export const deleteRecords = defineApi<kafka.DeleteRecordsRequest, kafka.DeleteRecordsResponse>({
  api: kafka.apis.deleteRecords,
  versions: [0, 2],
  handle,
});

async function handle(
  { operations, parts, metrics }: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.DeleteRecordsRequest>,
): Promise<kafka.DeleteRecordsResponse> {
  const count = boundPartitions("DeleteRecords", body.topics, (topic) => topic.partitions);
  const partitions = body.topics.flatMap(({ name, partitions: asked }) => {
    const topicId = uuidToBytes(topicIdOf(parts, name));
    return asked.map(({ partitionIndex, offset }): pb.DeleteRecordsPartition => ({
      topicId,
      partition: partitionIndex,
      beforeOffset: offset,
    }));
  });
  const deleting = lookAtMany(count, () =>
    operations.deleteRecords({ ...context, deadlineMs: parts.clock.monotonicMs() + body.timeoutMs }, { partitions }),
  );
  const { partitions: deleted } = await deleting;
  let at = 0;
  const topics = body.topics.map(({ name, partitions: asked }) => ({
    name,
    partitions: asked.map(({ partitionIndex }): Answer => {
      const one = deleted[at++];
      assert(one !== undefined, `${deleted.length} answers for ${partitions.length} partitions`);
      if (one.errorCode === 0) return { partitionIndex, lowWatermark: one.logStartOffset, errorCode: 0 };
      metrics.failed("DeleteRecords", one.errorCode);
      const error = sayByName(new ProtocolError(errorName(one.errorCode), one.errorMessage), name);
      return { partitionIndex, lowWatermark: -1, errorCode: wireCode(kafka.apis.deleteRecords.name, version, error.error) };
    }),
  }));
  return { topics };
}
