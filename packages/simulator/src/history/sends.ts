import type { Anomaly, Drain, Read, Send } from "./history.ts";

const place = (partition: number, offset: number): string => `${partition}@${offset}`;

/** One offset holds one value, whoever says so. */
export function inconsistent(sends: readonly Send[], reads: readonly Read[], drains: readonly Drain[]): Anomaly[] {
  const values = new Map<number, Map<number, string>>();
  const anomalies: Anomaly[] = [];
  const claim = (partition: number, offset: number, value: string, who: () => string): void => {
    let known = values.get(partition);
    if (known === undefined) values.set(partition, (known = new Map()));
    const before = known.get(offset);
    if (before === undefined) known.set(offset, value);
    else if (before !== value)
      anomalies.push({ kind: "inconsistent", text: `${place(partition, offset)} holds ${before}, yet ${who()} has ${value} there` });
  };
  for (const { partition, records } of drains) for (const { offset, value } of records) claim(partition, offset, value, () => "the drain");
  for (const { outcome, partition, offset, value, producer } of sends)
    if (outcome === "ok") claim(partition, offset, value, () => `the answer to ${producer}`);
  for (const { partition, offset, value, reader } of reads) claim(partition, offset, value, () => `reader ${reader}`);
  return anomalies;
}

/** What was acknowledged is in the drain, and no reader has passed it by. */
export function lost(sends: readonly Send[], reads: readonly Read[], drains: readonly Drain[]): Anomaly[] {
  const there = new Set<string>();
  for (const { records } of drains) for (const { value } of records) there.add(value);
  const starts = new Map(drains.map(({ partition, startOffset }) => [partition, startOffset]));
  const polled = new Set<string>();
  const highest = new Map<number, number>();
  const lowest = new Map<number, number>();
  for (const { partition, offset, value } of reads) {
    polled.add(value);
    highest.set(partition, Math.max(highest.get(partition) ?? -1, offset));
    lowest.set(partition, Math.min(lowest.get(partition) ?? Infinity, offset));
  }
  const anomalies: Anomaly[] = [];
  for (const { outcome, value, partition, offset, producer } of sends) {
    if (outcome !== "ok") continue;
    const start = starts.get(partition);
    const said = `${value} was acknowledged to ${producer} at ${place(partition, offset)}`;
    if (start !== undefined && offset >= start && !there.has(value)) anomalies.push({ kind: "lost", text: `${said} and is not there` });
    const passed = offset <= (highest.get(partition) ?? -1) && offset >= (lowest.get(partition) ?? Infinity);
    if (start === undefined && passed && !polled.has(value))
      anomalies.push({ kind: "lost", text: `${said}; readers went past it without it` });
  }
  return anomalies;
}

export function doubled(drains: readonly Drain[]): Anomaly[] {
  const seen = new Map<string, { partition: number; offset: number }>();
  const anomalies: Anomaly[] = [];
  for (const { partition, records } of drains)
    for (const { offset, value } of records) {
      const first = seen.get(value);
      if (first !== undefined)
        anomalies.push({
          kind: "doubled",
          text: `${value} is at ${place(first.partition, first.offset)} and at ${place(partition, offset)}`,
        });
      else seen.set(value, { partition, offset });
    }
  return anomalies;
}

export function neverSent(sends: readonly Send[], reads: readonly Read[], drains: readonly Drain[]): Anomaly[] {
  const possible = new Set<string>();
  for (const { outcome, value } of sends) if (outcome !== "fail") possible.add(value);
  const anomalies: Anomaly[] = [];
  const look = (partition: number, offset: number, value: string): void => {
    if (!possible.has(value))
      anomalies.push({ kind: "never sent", text: `${value} at ${place(partition, offset)} was never sent, or its send was refused` });
  };
  for (const { partition, records } of drains) for (const { offset, value } of records) look(partition, offset, value);
  for (const { partition, offset, value } of reads) look(partition, offset, value);
  return anomalies;
}

/** A producer's records stand in the order sent; and what was sent after another was acknowledged stands behind it. */
export function reordered(sends: readonly Send[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const ok = sends.filter(({ outcome }) => outcome === "ok");
  const last = new Map<string, Send>();
  for (const send of [...ok].sort((a, b) => a.sequence - b.sequence)) {
    const key = `${send.producer} ${send.partition}`;
    const before = last.get(key);
    if (before && before.offset >= send.offset)
      anomalies.push({
        kind: "reordered",
        text: `${send.producer} sent ${before.value} before ${send.value}, which stands at ${place(send.partition, send.offset)}, not behind ${before.offset}`,
      });
    last.set(key, send);
  }
  for (const [partition, those] of byPartition(ok)) {
    const completed = [...those].sort((a, b) => a.completedMs - b.completedMs);
    let at = 0;
    let highest = -1;
    for (const send of [...those].sort((a, b) => a.invokedMs - b.invokedMs)) {
      for (; at < completed.length; at += 1) {
        const earlier = completed[at];
        if (!earlier || earlier.completedMs >= send.invokedMs) break;
        highest = Math.max(highest, earlier.offset);
      }
      if (send.offset <= highest)
        anomalies.push({
          kind: "reordered",
          text: `${send.value} was sent after ${place(partition, highest)} was acknowledged, yet stands at ${send.offset}`,
        });
    }
  }
  return anomalies;
}

function byPartition(sends: readonly Send[]): Map<number, Send[]> {
  const groups = new Map<number, Send[]>();
  for (const send of sends) {
    const members = groups.get(send.partition);
    if (members) members.push(send);
    else groups.set(send.partition, [send]);
  }
  return groups;
}
