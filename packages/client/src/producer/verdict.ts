import type { pb } from "@ottla/protocol";
import { errors, errorName, ProtocolError, type ErrorName } from "@ottla/protocol";
import { ProduceError } from "../errors.ts";
import type { Batch } from "./batch.ts";
import type { Lane } from "./lane.ts";

/** What a broker's answer to a batch asks for. */
export type Verdict = "done" | "done-elsewhere" | "again" | "elsewhere" | "out-of-order" | "split" | "failed";

const elsewhere: ReadonlySet<ErrorName> = new Set<ErrorName>([
  "NOT_LEADER_OR_FOLLOWER",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "LEADER_NOT_AVAILABLE",
  "REPLICA_NOT_AVAILABLE",
  "UNKNOWN_TOPIC_OR_PARTITION",
  "UNKNOWN_TOPIC_ID",
  "INCONSISTENT_TOPIC_ID",
  "KAFKA_STORAGE_ERROR",
]);

/** The broker cannot place the batch behind what it knows of the identity (KIP-360). */
const outOfOrder: ReadonlySet<ErrorName> = new Set<ErrorName>([
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_EPOCH",
  "PRODUCER_FENCED",
]);

export function verdict(answer: pb.ProducedPartition, batch: Batch): Verdict {
  if (answer.errorCode === 0) return "done";
  const error = errorName(answer.errorCode);
  if (error === "DUPLICATE_SEQUENCE_NUMBER") return "done-elsewhere";
  if (batch.sequence !== -1 && outOfOrder.has(error)) return "out-of-order";
  if ((error === "MESSAGE_TOO_LARGE" || error === "RECORD_LIST_TOO_LARGE") && batch.records.length > 1) return "split";
  if (elsewhere.has(error)) return "elsewhere";
  return errors[error].retriable ? "again" : "failed";
}

export function answeredError(answer: pb.ProducedPartition, broker: string): ProtocolError {
  const error = errorName(answer.errorCode);
  return new ProtocolError(error, `${broker}: ${answer.errorMessage === "" ? errors[error].meaning : answer.errorMessage}`, {
    notAppended: answer.notAppended,
  });
}

/** The error for everybody who waits for a batch. */
export function deliveryError(lane: Lane, batch: Batch, error: ErrorName, why: string, uncertain: boolean, cause: unknown): ProduceError {
  const one = batch.records.length === 1;
  const [count, they, them] = one ? ["a record", "it is", "it"] : [`${batch.records.length} records`, "they are", "them"];
  const advice = uncertain
    ? `It is unknown whether ${they} in the log: sending ${them} again may double ${them}`
    : `${one ? "It is" : "They are"} certainly not in the log and may be sent again`;
  const where = `${lane.topic.name}-${lane.partition}`;
  return new ProduceError(
    error,
    lane.topic.name,
    lane.partition,
    uncertain ? "unknown" : "not-appended",
    `Cannot deliver ${count} to ${where}: ${why}. ${advice}`,
    cause,
  );
}
