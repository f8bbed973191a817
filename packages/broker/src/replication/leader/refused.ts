import { type pb, ProtocolError } from "@ottla/protocol";

export function refusedPartition(
  { topicId, partition, leaderEpoch }: Pick<pb.RefusedPartition, "topicId" | "partition" | "leaderEpoch">,
  cause: unknown,
): pb.RefusedPartition {
  const message = cause instanceof Error ? cause.message : String(cause);
  const error = cause instanceof ProtocolError ? cause : new ProtocolError("KAFKA_STORAGE_ERROR", message, { cause });
  return { topicId, partition, leaderEpoch, errorCode: error.code, errorMessage: message };
}
