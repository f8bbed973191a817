import type { Anomaly, Commit } from "./history.ts";

/** A fetch returns the last commit that was acknowledged before it was asked, or one that ran beside it or whose outcome is unknown. */
export function commitAnomalies(events: readonly Commit[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const byKey = new Map<string, Commit[]>();
  for (const event of events) {
    const key = `${event.group} ${event.partition}`;
    const list = byKey.get(key);
    if (list) list.push(event);
    else byKey.set(key, [event]);
  }
  for (const [key, list] of byKey) {
    const commits = list.filter(({ kind, outcome }) => kind === "commit" && outcome !== "fail").sort((a, b) => a.invokedMs - b.invokedMs);
    for (const fetch of list.filter(({ kind, outcome }) => kind === "committed" && outcome === "ok")) {
      const settled = commits.filter(({ outcome, completedMs }) => outcome === "ok" && completedMs < fetch.invokedMs);
      const newestInvokedMs = Math.max(-1, ...settled.map(({ invokedMs }) => invokedMs));
      const allowed = commits.filter(
        (commit) => commit.invokedMs < fetch.completedMs && (commit.outcome === "unknown" || commit.completedMs >= newestInvokedMs),
      );
      const none = settled.length === 0 && fetch.offset === -1;
      if (!none && !allowed.some(({ offset }) => offset === fetch.offset))
        anomalies.push({
          kind: "committed offset fell",
          text: `${key}: a fetch returned ${fetch.offset}, committed were ${settled
            .map(({ offset }) => offset)
            .slice(-3)
            .join(", ")}`,
        });
    }
  }
  return anomalies;
}
