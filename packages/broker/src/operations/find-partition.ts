import { type pb, ProtocolError, type Uuid, uuidToText } from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import type { BrokerParts } from "./context.ts";

/** The partition as this broker holds it; whether it leads is for the partition to say.
 * @throws ProtocolError UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER */
export function findPartition({ partitions, image, nodeId }: BrokerParts, topicId: Uuid, index: number): Partition {
  const topic = image.topic(topicId);
  if (topic === undefined)
    throw new ProtocolError(
      "UNKNOWN_TOPIC_ID",
      `There is no topic with id ${uuidToText(topicId)}: it was deleted, or this broker has not heard of it yet; refresh the metadata`,
    );
  const partition = partitions.get(topicId, index);
  if (partition !== undefined && topic.partitions[index] !== undefined) return partition;
  if (topic.partitions[index] === undefined) {
    throw new ProtocolError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `Topic ${topic.name} has no partition ${index}: its partitions are 0 to ${topic.partitions.length - 1}`,
    );
  }
  throw new ProtocolError(
    "NOT_LEADER_OR_FOLLOWER",
    `Node ${nodeId} has no open log of partition ${index} of topic ${topic.name}: refresh the metadata and ask its leader`,
  );
}

/** Who leads as far as this broker knows, for errors that say "not me". */
export function leaderHint({ image }: BrokerParts, topicId: Uuid, index: number): pb.LeaderHint | undefined {
  const record = image.topic(topicId)?.partitions[index];
  return record && { nodeId: record.leader, leaderEpoch: record.leaderEpoch };
}

/** What is not expected comes from the disk: everything else is a ProtocolError where it is understood. */
export function asProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  return new ProtocolError(
    "KAFKA_STORAGE_ERROR",
    `The broker could not use its disk: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}

export function tellsLeader(error: ProtocolError): boolean {
  return error.error === "NOT_LEADER_OR_FOLLOWER" || error.error === "FENCED_LEADER_EPOCH";
}
