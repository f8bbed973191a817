import { NetworkError, type Reason } from "./network.ts";

/** How `dial` and `probe` end with their signal. */
export function aborted(peer: string, signal: AbortSignal): NetworkError {
  const timedOut = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
  const reason: Reason = timedOut
    ? { kind: "timeout", message: `${peer} did not answer in time: ${signal.reason.message}` }
    : { kind: "closed-here", message: `dialling ${peer} was given up` };
  return new NetworkError(reason);
}
