import { assert, ProtocolError, type pb } from "@ottla/protocol";
import type { Topic } from "../tables/topics.ts";
import type { Context } from "./context.ts";
import { MAX_PARTITIONS_PER_CLUSTER, MAX_PARTITIONS_PER_COMMAND } from "./create-topics.ts";
import { findTopic } from "./find.ts";
import { failure, success } from "./failure.ts";
import { checkAssignment, newPartition, placeReplicas } from "./placement.ts";
import { targetOf } from "./reassign.ts";

export function createPartitions(context: Context, call: pb.CreatePartitionsCall): pb.CreatePartitionsAnswer {
  const budget = { partitions: MAX_PARTITIONS_PER_COMMAND };
  const topics = call.topics.map((wanted): pb.TopicOutcome => {
    try {
      const topic = findTopic(context.draft.state, wanted.name);
      add(context, topic, wanted, call.validateOnly, budget);
      return { name: topic.name, topicId: topic.idBytes, ...success };
    } catch (error) {
      return { name: wanted.name, topicId: new Uint8Array(0), ...failure(error) };
    }
  });
  return { topics };
}

function add({ draft }: Context, topic: Topic, wanted: pb.NewPartitions, validateOnly: boolean, budget: { partitions: number }): void {
  const { state } = draft;
  const present = topic.partitions.length;
  const added = wanted.total - present;
  if (added <= 0)
    throw new ProtocolError(
      "INVALID_PARTITIONS",
      `Cannot bring topic "${topic.name}" to ${wanted.total} partitions: it has ${present}, and partitions cannot be taken away; ask for more than ${present}`,
    );
  if (wanted.assignments.length > 0 && wanted.assignments.length !== added)
    throw new ProtocolError(
      "INVALID_REPLICA_ASSIGNMENT",
      `Cannot add ${added} partitions to topic "${topic.name}": ${wanted.assignments.length} assignments are given; give one for each added partition or none`,
    );
  if (added > budget.partitions)
    throw new ProtocolError(
      "POLICY_VIOLATION",
      `Cannot add ${added} partitions to topic "${topic.name}": one request may create ${MAX_PARTITIONS_PER_COMMAND} partitions; split the request`,
    );
  if (state.topics.partitionCount + added > MAX_PARTITIONS_PER_CLUSTER)
    throw new ProtocolError(
      "POLICY_VIOLATION",
      `Cannot add ${added} partitions to topic "${topic.name}": the cluster has ${state.topics.partitionCount}, at most ${MAX_PARTITIONS_PER_CLUSTER} may be`,
    );
  const [first] = topic.partitions;
  assert(first !== undefined, `topic ${topic.name} has no partitions`);
  const factor = targetOf(first).length;
  wanted.assignments.forEach(({ nodes }, at) => checkAssignment(state, present + at, nodes, factor));
  const replicas = wanted.assignments.length > 0 ? wanted.assignments.map(({ nodes }) => nodes) : placeReplicas(state, added, factor);
  budget.partitions -= added;
  if (validateOnly) return;
  replicas.forEach((nodes, at) => draft.write({ case: "partition", value: newPartition(state, topic.idBytes, present + at, nodes) }));
}
