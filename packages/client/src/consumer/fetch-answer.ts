import type { Logger } from "@ottla/host";
import { batches, errorName, errors, type ErrorName, type pb } from "@ottla/protocol";
import { ConsumeError, messageOf } from "../errors.ts";
import type { Partition } from "./partition.ts";

/** Longer than a broker takes to start again or to hand its partitions over. What lasts is damage, and somebody must decide. */
const STORAGE_PATIENCE_MS = 10_000;

/** Wrong from the point of view of whoever asked, or about to change: ask again, perhaps elsewhere. */
const passing: ReadonlySet<ErrorName> = new Set<ErrorName>(["UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID", "INCONSISTENT_TOPIC_ID"]);

/** Buffers what came, up to what cannot be read. */
export function buffer(partition: Partition, answer: pb.FetchedPartition): { bytes: number; error: ConsumeError | null } {
  const before = partition.bufferedBytes;
  let error: ConsumeError | null = null;
  partition.failures = 0;
  partition.storageFailsSinceMs = null;
  partition.highWatermark = answer.highWatermark;
  try {
    for (const { header, bytes } of batches(answer.records)) {
      if (header.lastOffset < partition.fetchOffset) continue;
      partition.fetchOffset = header.lastOffset + 1;
      if (header.isControl) continue;
      partition.batches.push({ header, bytes });
      partition.bufferedBytes += bytes.length;
    }
  } catch (cause) {
    const why = `Cannot read ${partition.label} from offset ${partition.fetchOffset}: ${messageOf(cause)}`;
    error = new ConsumeError("CORRUPT_MESSAGE", partition.topic.name, partition.partition, why, cause);
  }
  return { bytes: partition.bufferedBytes - before, error };
}

/** What a refused fetch means for its partition: the error it ends with, or that it may go on. */
export function refusal(
  partition: Partition,
  { errorCode, errorMessage }: pb.FetchedPartition,
  nowMs: number,
  logger: Logger,
): ConsumeError | "out-of-range" | "again" {
  const error = errorName(errorCode);
  const why = errorMessage === "" ? errors[error].meaning : errorMessage;
  const failed = (text: string): ConsumeError =>
    new ConsumeError(
      error,
      partition.topic.name,
      partition.partition,
      `Cannot fetch ${partition.label} from offset ${partition.fetchOffset}: ${text}`,
    );
  if (error === "KAFKA_STORAGE_ERROR") {
    if (partition.storageFailsSinceMs === null) {
      partition.storageFailsSinceMs = nowMs;
      const { topic, partition: number, fetchOffset: offset } = partition;
      logger.warn({ topic: topic.name, partition: number, offset, error: why }, "the broker cannot read the partition; trying again");
    }
    if (nowMs - partition.storageFailsSinceMs < STORAGE_PATIENCE_MS) return "again";
    return failed(`${why} (the same for ${STORAGE_PATIENCE_MS / 1000} s; seek past it to read on)`);
  }
  partition.storageFailsSinceMs = null;
  if (error === "OFFSET_OUT_OF_RANGE") return "out-of-range";
  return (errors[error].retriable && error !== "CORRUPT_MESSAGE") || passing.has(error) ? "again" : failed(why);
}
