import { commitAnomalies } from "./commits.ts";
import type { Anomaly, Commit, Drain, Event, Read, Send } from "./history.ts";

/** What is wrong with a history of idempotent producers, in time and memory linear in its length; an empty list is a clean one.
 * A send whose outcome is unknown may be there or not. */
export function check(events: readonly Event[], drains: readonly Drain[]): Anomaly[] {
  const sends = events.filter((event) => event.kind === "send");
  const reads = events.filter((event) => event.kind === "read");
  const commits = events.filter((event): event is Commit => event.kind === "commit" || event.kind === "committed");
  return [
    ...inconsistent(sends, reads, drains),
    ...lost(sends, drains),
    ...doubled(drains),
    ...neverSent(sends, reads, drains),
    ...reordered(sends),
    ...gaps(drains),
    ...skipped(reads),
    ...commitAnomalies(commits),
  ];
}

const place = (partition: number, offset: number): string => `${partition}@${offset}`;

/** One offset holds one value, whoever says so. */
function inconsistent(sends: readonly Send[], reads: readonly Read[], drains: readonly Drain[]): Anomaly[] {
  const values = new Map<string, string>();
  const anomalies: Anomaly[] = [];
  const claim = (partition: number, offset: number, value: string, who: string): void => {
    const key = place(partition, offset);
    const known = values.get(key);
    if (known === undefined) values.set(key, value);
    else if (known !== value) anomalies.push({ kind: "inconsistent", text: `${key} holds ${known}, yet ${who} has ${value} there` });
  };
  for (const { partition, records } of drains) for (const { offset, value } of records) claim(partition, offset, value, "the drain");
  for (const { outcome, partition, offset, value, producer } of sends)
    if (outcome === "ok") claim(partition, offset, value, `the answer to ${producer}`);
  for (const { partition, offset, value, reader } of reads) claim(partition, offset, value, `reader ${reader}`);
  return anomalies;
}

function lost(sends: readonly Send[], drains: readonly Drain[]): Anomaly[] {
  const there = new Set(drains.flatMap(({ records }) => records.map(({ value }) => value)));
  const starts = new Map(drains.map(({ partition, startOffset }) => [partition, startOffset]));
  return sends
    .filter(({ outcome, value, partition, offset }) => outcome === "ok" && offset >= (starts.get(partition) ?? 0) && !there.has(value))
    .map(({ value, partition, offset, producer }) => ({
      kind: "lost",
      text: `${value} was acknowledged to ${producer} at ${place(partition, offset)} and is not there`,
    }));
}

function doubled(drains: readonly Drain[]): Anomaly[] {
  const seen = new Map<string, string>();
  const anomalies: Anomaly[] = [];
  for (const { partition, records } of drains)
    for (const { offset, value } of records) {
      const first = seen.get(value);
      if (first !== undefined) anomalies.push({ kind: "doubled", text: `${value} is at ${first} and at ${place(partition, offset)}` });
      else seen.set(value, place(partition, offset));
    }
  return anomalies;
}

function neverSent(sends: readonly Send[], reads: readonly Read[], drains: readonly Drain[]): Anomaly[] {
  const possible = new Set(sends.filter(({ outcome }) => outcome !== "fail").map(({ value }) => value));
  const found = [
    ...drains.flatMap(({ partition, records }) => records.map(({ offset, value }) => ({ value, at: place(partition, offset) }))),
    ...reads.map(({ partition, offset, value }) => ({ value, at: place(partition, offset) })),
  ];
  return found
    .filter(({ value }) => !possible.has(value))
    .map(({ value, at }) => ({ kind: "never sent", text: `${value} at ${at} was never sent, or its send was refused` }));
}

/** A producer's records stand in the order sent; and what was sent after another was acknowledged stands behind it. */
function reordered(sends: readonly Send[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const ok = sends.filter(({ outcome }) => outcome === "ok");
  const last = new Map<string, Send>();
  for (const send of [...ok].sort((a, b) => a.sequence - b.sequence)) {
    const key = `${send.producer} ${send.partition}`;
    const before = last.get(key);
    if (before && before.offset >= send.offset)
      anomalies.push({
        kind: "reordered",
        text: `${send.producer} sent ${before.value} before ${send.value}, which stands at ${send.offset}, not behind ${before.offset}`,
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

function gaps(drains: readonly Drain[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  for (const { partition, startOffset, endOffset, records } of drains) {
    let next = startOffset;
    for (const { offset } of records) {
      if (offset !== next) anomalies.push({ kind: "gap", text: `Partition ${partition} continues at ${offset}, not at ${next}` });
      next = offset + 1;
    }
    if (next !== endOffset) anomalies.push({ kind: "gap", text: `Partition ${partition} was read up to ${next}, its end is ${endOffset}` });
  }
  return anomalies;
}

/** A reader gets the next record each time. */
function skipped(reads: readonly Read[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const last = new Map<string, number>();
  for (const { reader, assignment, partition, offset } of reads) {
    const key = `${reader} ${assignment} ${partition}`;
    const before = last.get(key);
    if (before !== undefined && offset !== before + 1)
      anomalies.push({ kind: "skipped", text: `Reader ${reader} got ${place(partition, offset)} after ${place(partition, before)}` });
    last.set(key, offset);
  }
  return anomalies;
}
