import type { Anomaly, Commit } from "./history.ts";

/** A fetch returns the last commit that was acknowledged before it was asked, or one that ran beside it or whose outcome is unknown. */
export function commitAnomalies(events: readonly Commit[]): Anomaly[] {
  const byKey = new Map<string, Commit[]>();
  for (const event of events) {
    const key = `${event.group}, ${event.partition}@`;
    const list = byKey.get(key);
    if (list) list.push(event);
    else byKey.set(key, [event]);
  }
  return [...byKey].flatMap(([key, list]) => ofOne(key, list));
}

function ofOne(key: string, list: readonly Commit[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const commits = list.filter(({ kind, outcome }) => kind === "commit" && outcome !== "fail");
  const possible = new Map<number, Possible>();
  for (const commit of [...commits].sort((a, b) => a.invokedMs - b.invokedMs)) {
    let same = possible.get(commit.offset);
    if (same === undefined) possible.set(commit.offset, (same = new Possible()));
    same.add(commit);
  }
  const settled = commits.filter(({ outcome }) => outcome === "ok").sort((a, b) => a.completedMs - b.completedMs);
  let at = 0;
  let newestInvokedMs = -1;
  const fetches = list.filter(({ kind, outcome }) => kind === "committed" && outcome === "ok").sort((a, b) => a.invokedMs - b.invokedMs);
  for (const { invokedMs, completedMs, offset } of fetches) {
    for (let commit = settled[at]; commit !== undefined && commit.completedMs < invokedMs; commit = settled[(at += 1)])
      newestInvokedMs = Math.max(newestInvokedMs, commit.invokedMs);
    if (offset === -1 && at === 0) continue;
    if (possible.get(offset)?.holds(newestInvokedMs, completedMs) === true) continue;
    const last = settled.slice(Math.max(0, at - 3), at).map((commit) => commit.offset);
    anomalies.push({ kind: "committed offset fell", text: `${key}: a fetch returned ${offset}, committed were ${last.join(", ")}` });
  }
  return anomalies;
}

/** Commits of one offset, as they were asked. */
class Possible {
  readonly #invokedMs: number[] = [];
  /** Until when one of those up to here may have been the last; an unknown one for good. */
  readonly #untilMs: number[] = [];

  add({ invokedMs, completedMs, outcome }: Commit): void {
    const untilMs = outcome === "unknown" ? Number.POSITIVE_INFINITY : completedMs;
    this.#untilMs.push(Math.max(untilMs, this.#untilMs.at(-1) ?? -1));
    this.#invokedMs.push(invokedMs);
  }

  /** Whether one was asked before `beforeMs` and not certainly followed by one asked at `newestInvokedMs`. */
  holds(newestInvokedMs: number, beforeMs: number): boolean {
    let low = 0;
    let high = this.#invokedMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#invokedMs[middle] ?? 0) < beforeMs) low = middle + 1;
      else high = middle;
    }
    return low > 0 && (this.#untilMs[low - 1] ?? -1) >= newestInvokedMs;
  }
}
