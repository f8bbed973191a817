import type { Anomaly, Drain, Read } from "./history.ts";

export function gaps(drains: readonly Drain[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  for (const { partition, startOffset, endOffset, records } of drains) {
    let next = startOffset;
    for (const { offset } of records) {
      if (offset !== next) anomalies.push({ kind: "gap", text: `Partition ${partition}@ continues at ${offset}, not at ${next}` });
      next = offset + 1;
    }
    if (next !== endOffset)
      anomalies.push({ kind: "gap", text: `Partition ${partition}@ was read up to ${next}, its end is ${endOffset}` });
  }
  return anomalies;
}

/** A reader gets the next record each time. */
export function skipped(reads: readonly Read[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const last = new Map<string, number>();
  for (const { reader, assignment, partition, offset } of reads) {
    const key = `${reader} ${assignment} ${partition}`;
    const before = last.get(key);
    if (before !== undefined && offset !== before + 1)
      anomalies.push({ kind: "skipped", text: `Reader ${reader} got ${partition}@${offset} after ${partition}@${before}` });
    last.set(key, offset);
  }
  return anomalies;
}
