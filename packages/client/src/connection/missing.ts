import { errors, ProtocolError } from "@ottla/protocol";
import type { TopicProblem } from "./topics.ts";

/** Brokers hear of a new topic within a fraction of this; after it, a topic unknown to one that could not ask the controllers is taken for missing. */
const UNKNOWN_TOPIC_GRACE_MS = 2_000;

/** What brokers say about a topic, once it is certain that it will not pass. `known`: it was there before. */
export function verdictOf(problem: TopicProblem, name: string, known: boolean, nowMs: number): ProtocolError | null {
  const { error, message, sinceMs, certain } = problem;
  if (error === "UNKNOWN_TOPIC_OR_PARTITION" || error === "UNKNOWN_TOPIC_ID") {
    // One that was there may be about to be created again.
    if ((known || !certain) && nowMs - sinceMs < UNKNOWN_TOPIC_GRACE_MS) return null;
    const missing = `there is no topic "${name}"; check the name, or create it (ottla topic create ${name})`;
    return new ProtocolError(error, known ? `topic "${name}" was deleted` : missing, { notAppended: true });
  }
  if (errors[error].retriable) return null;
  return new ProtocolError(error, message === "" ? `topic "${name}": ${errors[error].meaning}` : message, { notAppended: true });
}
