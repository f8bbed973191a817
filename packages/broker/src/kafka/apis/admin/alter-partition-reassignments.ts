import { kafka, type pb, ProtocolError } from "@ottla/protocol";
import { checkReassignment } from "../../../operations/shape.ts";
import { defineApi, type KafkaParts, type KafkaRequest } from "../../api.ts";
import { ask } from "./ask.ts";
import { done, Outcomes } from "./outcomes.ts";
import { PartitionOutcomes } from "./partition-calls.ts";

export const alterPartitionReassignments = defineApi<kafka.AlterPartitionReassignmentsRequest, kafka.AlterPartitionReassignmentsResponse>({
  api: kafka.apis.alterPartitionReassignments,
  versions: [0, 0],
  handle,
});

async function handle(
  door: KafkaParts,
  { version, context, body }: KafkaRequest<kafka.AlterPartitionReassignmentsRequest>,
): Promise<kafka.AlterPartitionReassignmentsResponse> {
  const outcomes = new Outcomes(door, kafka.apis.alterPartitionReassignments, version);
  const named = new PartitionOutcomes(door, outcomes);
  const partitions: pb.Reassignment[] = [];
  for (const { name, partitions: asked } of body.topics) {
    for (const { partitionIndex: partition, replicas } of asked) {
      const topicId = named.topicIdOf(name, partition);
      if (topicId === null) continue;
      const reassignment = { topicId, partition, replicas: [...(replicas ?? [])], cancel: replicas === null };
      const refusal = refusalOf(reassignment);
      if (refusal === null) partitions.push(reassignment);
      else named.refuse(name, partition, refusal);
    }
  }
  try {
    if (partitions.length > 0)
      named.add((await ask(door, context, body.timeoutMs, "reassignPartitions", { partitions, rate: 0 })).partitions);
  } catch (error) {
    return { ...outcomes.caught(error), responses: [] };
  }
  const responses = [...named.byTopic()].map(([name, results]) => ({
    name,
    partitions: results.map(({ partition: partitionIndex, errorCode, errorMessage }) => ({ partitionIndex, errorCode, errorMessage })),
  }));
  return { ...done, responses };
}

/** One that cannot mean anything does not spoil the others of its request. */
function refusalOf(reassignment: pb.Reassignment): ProtocolError | null {
  try {
    checkReassignment(reassignment);
    return null;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}
