import type { Event } from "./history/history.ts";
import type { Figure } from "./liveness.ts";

/** Writable again after all is healed (L11). */
const WRITABLE_AFTER_MS = 10_000;

/** The longest time in which no send to a partition was acknowledged, whatever went wrong, and the longest that one waited after healing. */
export function unavailability(events: readonly Event[], healedMs: number): Figure[] {
  const lastMs = new Map<number, number>();
  let longestMs = 0;
  let afterHealingMs = 0;
  const sends = events.filter((event) => event.kind === "send").filter(({ outcome }) => outcome === "ok");
  for (const { partition, invokedMs, completedMs } of sends.sort((one, other) => one.completedMs - other.completedMs)) {
    const before = lastMs.get(partition);
    if (before !== undefined && completedMs <= healedMs) longestMs = Math.max(longestMs, completedMs - before);
    lastMs.set(partition, completedMs);
    if (completedMs > healedMs) afterHealingMs = Math.max(afterHealingMs, completedMs - Math.max(invokedMs, healedMs));
  }
  return [
    { target: "longest time of a partition without an acknowledgement, faults together", limitMs: Infinity, ms: longestMs },
    { target: "L11 longest send once all is healed", limitMs: WRITABLE_AFTER_MS, ms: afterHealingMs },
  ];
}
