import { kafka, type pb, ProtocolError } from "@ottla/protocol";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { ask } from "./ask.ts";
import { Outcomes } from "./outcomes.ts";
import { PartitionOutcomes } from "./partition-calls.ts";

const PREFERRED = 0;
const UNCLEAN = 1;

export const electLeaders = defineApi<kafka.ElectLeadersRequest, kafka.ElectLeadersResponse>({
  api: kafka.apis.electLeaders,
  versions: [0, 2],
  handle,
});

async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.ElectLeadersRequest>,
): Promise<kafka.ElectLeadersResponse> {
  const { electionType, topicPartitions, timeoutMs } = body;
  const outcomes = new Outcomes(door, kafka.apis.electLeaders, version);
  const named = new PartitionOutcomes(door, outcomes);
  try {
    if (electionType !== PREFERRED && electionType !== UNCLEAN)
      throw new ProtocolError(
        "INVALID_REQUEST",
        `Cannot hold an election of type ${electionType}: ${PREFERRED} is preferred, ${UNCLEAN} unclean`,
      );
    const partitions = topicPartitions?.flatMap(({ topic, partitions: asked }) =>
      asked.flatMap((partition): pb.TopicPartition[] => {
        const topicId = named.topicIdOf(topic, partition);
        return topicId === null ? [] : [{ topicId, partition }];
      }),
    );
    // To the operation an empty list means all partitions, as null does here.
    if (partitions?.length !== 0) {
      const call = { partitions: partitions ?? [], unclean: electionType === UNCLEAN };
      named.add((await ask(door, context, timeoutMs, "electLeaders", call)).partitions);
    }
  } catch (error) {
    return { errorCode: outcomes.caught(error).errorCode, replicaElectionResults: [] };
  }
  const replicaElectionResults = [...named.byTopic()].map(([topic, results]) => ({
    topic,
    partitionResult: results.map(({ partition: partitionId, errorCode, errorMessage }) => ({ partitionId, errorCode, errorMessage })),
  }));
  return { errorCode: 0, replicaElectionResults };
}
