import { assert, type pb } from "@ottla/protocol";
import type { RequestContext } from "../../../operations/context.ts";
import type { KafkaParts } from "../../api.ts";

type Call = pb.CallRequest["call"];
type CallKind = NonNullable<Call["case"]>;
type CallOf<K extends CallKind> = Extract<Call, { case: K }>["value"];
type AnswerOf<K extends CallKind> = Extract<pb.CallResponse["answer"], { case: K }>["value"];

/** For requests that carry no timeout: as long as Kafka's clients wait for them unless told otherwise. */
export const USUAL_TIMEOUT_MS = 30_000;

/** Carries out an operation on behalf of a client that waits for it so long.
 * @throws ProtocolError as the operation does */
export async function ask<K extends CallKind>(
  { operations, parts }: KafkaParts,
  context: RequestContext,
  timeoutMs: number,
  kind: K,
  value: CallOf<K>,
): Promise<AnswerOf<K>> {
  const deadlineMs = parts.clock.monotonicMs() + Math.max(1, timeoutMs);
  const call = { case: kind, value } as Call;
  const answer = await operations.call({ ...context, deadlineMs }, { correlationId: 0, timeoutMs: 0, call });
  assert(answer.case === kind, `the answer to ${kind} is one to ${answer.case}`);
  return answer.value as AnswerOf<K>;
}
