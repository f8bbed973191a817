import type { BrokerParts, RequestContext } from "./context.ts";

/** What is left of the caller's time, at least a moment. */
export function remainingMs({ clock }: BrokerParts, { deadlineMs }: RequestContext): number {
  return Math.max(1, deadlineMs - clock.monotonicMs());
}
