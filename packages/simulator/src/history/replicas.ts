import type { Anomaly, Dump } from "./history.ts";

/** Replicas hold the same batches below the smallest of their high watermarks, as far down as all of them reach. */
export function diverged(dumps: readonly Dump[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const byPartition = new Map<number, Dump[]>();
  for (const dump of dumps) byPartition.set(dump.partition, [...(byPartition.get(dump.partition) ?? []), dump]);
  for (const [partition, replicas] of byPartition) {
    const [first, ...others] = replicas;
    if (first === undefined) continue;
    const until = Math.min(...replicas.map(({ highWatermark }) => highWatermark));
    const from = Math.max(...replicas.map(({ batches }) => batches[0]?.baseOffset ?? 0));
    const chain = ({ batches }: Dump): Dump["batches"] => batches.filter(({ baseOffset }) => baseOffset >= from && baseOffset < until);
    const expected = chain(first);
    for (const other of others) {
      const held = chain(other);
      const at = Array.from({ length: Math.max(held.length, expected.length) }, (_, index) => index).find(
        (index) => text(held[index]) !== text(expected[index]),
      );
      if (at !== undefined)
        anomalies.push({
          kind: "diverged",
          text: `${partition}@ at ${other.node} has ${text(held[at])} where ${first.node} has ${text(expected[at])}`,
        });
    }
  }
  return anomalies;
}

function text(batch: Dump["batches"][number] | undefined): string {
  return batch === undefined ? "nothing" : `${batch.baseOffset} to ${batch.lastOffset} (${batch.hash})`;
}
