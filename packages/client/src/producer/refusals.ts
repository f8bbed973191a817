import type { Cluster } from "../connection/cluster.ts";
import { messageOf, ProduceError } from "../errors.ts";

/** Of records that no batch has taken: certainly not in the log. */
function notSent(error: ProduceError["error"], topic: string, why: string, cause?: unknown): ProduceError {
  return new ProduceError(error, topic, null, "not-appended", `Cannot send to "${topic}"${why}`, cause);
}

export function refused(topic: string, verdict: { error: ProduceError["error"]; message: string }): ProduceError {
  return notSent(verdict.error, topic, `: ${verdict.message}`, verdict);
}

export function closedBefore(topic: string): ProduceError {
  return notSent("REQUEST_TIMED_OUT", topic, ": the producer was closed before the record was sent");
}

export function tooManyWait(topic: string, calls: number, maxBufferedBytes: number): ProduceError {
  return notSent(
    "THROTTLING_QUOTA_EXCEEDED",
    topic,
    `: ${calls} sends wait for room in the buffer of ${maxBufferedBytes} bytes (maxBufferedBytes); await some of them first`,
  );
}

export function notInTime(topic: string, deliveryTimeoutMs: number, why: string, cause: unknown): ProduceError {
  return notSent("REQUEST_TIMED_OUT", topic, ` within ${deliveryTimeoutMs} ms (deliveryTimeoutMs): ${why}`, cause);
}

export function nothingKnown({ trouble, metadata }: Cluster): string {
  return `nothing is known of the topic: ${trouble ?? (metadata.failure === null ? "no broker answered" : messageOf(metadata.failure))}`;
}
