import { ProtocolError, UUID_BYTES, uuidFromBytes, uuidToText, type pb } from "@ottla/protocol";
import type { State } from "../state.ts";
import type { Topic } from "../tables/topics.ts";

/** @throws ProtocolError UNKNOWN_TOPIC_OR_PARTITION */
export function findTopic(state: State, name: string): Topic {
  const topic = state.topics.byName(name);
  if (!topic) throw new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION", `There is no topic "${name}"`);
  return topic;
}

/** @throws ProtocolError UNKNOWN_TOPIC_ID, INVALID_REQUEST */
export function findTopicById(state: State, topicId: Uint8Array): Topic {
  if (topicId.length !== UUID_BYTES)
    throw new ProtocolError("INVALID_REQUEST", `A topic id has ${UUID_BYTES} bytes, not ${topicId.length}`);
  const id = uuidFromBytes(topicId);
  const topic = state.topics.get(id);
  if (!topic) throw new ProtocolError("UNKNOWN_TOPIC_ID", `There is no topic with id ${uuidToText(id)}`);
  return topic;
}

/** @throws ProtocolError UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION */
export function findPartition(state: State, topicId: Uint8Array, partition: number): pb.PartitionRecord {
  const topic = findTopicById(state, topicId);
  const record = topic.partitions[partition];
  if (!record)
    throw new ProtocolError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `Topic "${topic.name}" has ${topic.partitions.length} partitions, there is no partition ${partition}`,
    );
  return record;
}
