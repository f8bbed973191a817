import type { Anomaly, Metadata } from "./history.ts";

/** Changes have one place each in the controllers' log, time respects it, and a look shows the state at its place. */
export function metadataAnomalies(events: readonly Metadata[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const found = (text: string): void => {
    anomalies.push({ kind: "metadata", text });
  };
  const changes = events.filter(({ kind }) => kind === "changed").sort((a, b) => a.index - b.index);
  const histories = new Map<string, Metadata[]>();
  let before: Metadata | null = null;
  for (const change of changes) {
    if (before?.index === change.index) found(`${before.key} and ${change.key} were both changed by entry ${change.index}`);
    before = change;
    const history = histories.get(change.key);
    if (history) history.push(change);
    else histories.set(change.key, [change]);
  }
  const completed = [...events].sort((a, b) => a.completedMs - b.completedMs);
  let at = 0;
  let latest: Metadata | null = null;
  for (const event of [...events].sort((a, b) => a.invokedMs - b.invokedMs)) {
    for (let earlier = completed[at]; earlier !== undefined && earlier.completedMs < event.invokedMs; earlier = completed[(at += 1)])
      if (latest === null || earlier.index > latest.index) latest = earlier;
    if (latest !== null && event.index < latest.index)
      found(`${event.key} was ${event.kind} at entry ${event.index}, after ${latest.key} had been ${latest.kind} at entry ${latest.index}`);
    if (event.kind !== "looked") continue;
    const value = valueAt(histories.get(event.key) ?? [], event.index);
    if (value !== event.value) found(`${event.key} was seen as ${event.value} at entry ${event.index}, where it is ${value}`);
  }
  return anomalies;
}

function valueAt(history: readonly Metadata[], index: number): string | null {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((history[middle]?.index ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  return history[low - 1]?.value ?? null;
}
