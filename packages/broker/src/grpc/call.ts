import type { Clock, Logger } from "@ottla/host";
import { pb, ProtocolError } from "@ottla/protocol";
import type { RequestMetrics } from "../metrics/requests.ts";
import type { Operations } from "../operations.ts";
import type { Timeouts } from "../timeouts.ts";
import type { Conversation } from "./conversation.ts";

const DEFAULT_TIMEOUT_MS = 30_000;
const TIMEOUT_MAX_MS = 600_000;

export interface CallParts {
  readonly operations: Operations;
  readonly metrics: RequestMetrics;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
}

/** Answers each call once, within its timeout: with REQUEST_TIMED_OUT when it is not done by then. */
export async function handleCall(parts: CallParts, frame: Uint8Array, conversation: Conversation): Promise<void> {
  const { metrics, clock } = parts;
  const startedMs = clock.monotonicMs();
  const request = pb.CallRequest.decode(frame);
  const timeoutMs = Math.min(request.timeoutMs === 0 ? DEFAULT_TIMEOUT_MS : request.timeoutMs, TIMEOUT_MAX_MS);
  const name = operationName(request);
  let response: pb.CallResponse;
  try {
    const answer = await within(
      parts,
      timeoutMs,
      name,
      conversation.waiting((context) => parts.operations.call({ ...context, deadlineMs: startedMs + timeoutMs }, request)),
    );
    response = { correlationId: request.correlationId, errorCode: 0, errorMessage: "", answer };
  } catch (cause) {
    if (conversation.context.signal.aborted) return;
    const error = asCallError(cause, name, parts.logger);
    metrics.failed(name, error.code);
    response = { correlationId: request.correlationId, errorCode: error.code, errorMessage: error.message, answer: { case: undefined } };
  }
  metrics.answered(name, clock.monotonicMs() - startedMs);
  await conversation.send([pb.CallResponse.encode(response)]);
}

function within<T>({ timeouts }: CallParts, timeoutMs: number, name: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = timeouts.after(timeoutMs, () =>
      reject(new ProtocolError("REQUEST_TIMED_OUT", `${name} was not done within ${timeoutMs} ms; whether it still will be is not known`)),
    );
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

function asCallError(cause: unknown, name: string, logger: Logger): ProtocolError {
  if (cause instanceof ProtocolError) return cause;
  logger.error({ err: cause, call: name }, "A call failed unexpectedly");
  return new ProtocolError(
    "UNKNOWN_SERVER_ERROR",
    `${name} failed unexpectedly: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );
}

/** `listOffsets` is ListOffsets to dashboards. */
function operationName({ call }: pb.CallRequest): string {
  const kind = call.case ?? "unknown";
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}
