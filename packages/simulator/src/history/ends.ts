import type { Anomaly, Latest, Send } from "./history.ts";

/** Where a partition ends never falls within one leader epoch, and a leader knows of all that was acknowledged in its epoch or before. */
export function endAnomalies(answers: readonly Latest[], sends: readonly Send[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  for (const partition of new Set(answers.map((answer) => answer.partition))) {
    const asked = answers.filter((answer) => answer.partition === partition).sort((a, b) => a.invokedMs - b.invokedMs);
    const heard = [...asked].sort((a, b) => a.completedMs - b.completedMs);
    const acknowledged = sends
      .filter((send) => send.partition === partition && send.outcome === "ok")
      .sort((a, b) => a.completedMs - b.completedMs);
    const ends = new Map<number, number>();
    const known = new Map<number, number>();
    let heardAt = 0;
    let acknowledgedAt = 0;
    for (const { offset, leaderEpoch, invokedMs } of asked) {
      for (let before = heard[heardAt]; before !== undefined && before.completedMs < invokedMs; before = heard[(heardAt += 1)])
        raise(ends, before.leaderEpoch, before.offset);
      for (
        let send = acknowledged[acknowledgedAt];
        send !== undefined && send.completedMs < invokedMs;
        send = acknowledged[(acknowledgedAt += 1)]
      ) {
        if (send.leaderEpoch !== undefined) raise(known, send.leaderEpoch, send.offset);
      }
      const before = ends.get(leaderEpoch) ?? -1;
      if (offset < before)
        anomalies.push({ kind: "end fell", text: `${partition}@${before} was the end in epoch ${leaderEpoch}, then ${offset}` });
      for (const [epoch, acked] of known)
        if (epoch <= leaderEpoch && offset <= acked)
          anomalies.push({
            kind: "stale end",
            text: `${partition}@${acked} was acknowledged in epoch ${epoch}, and the leader of epoch ${leaderEpoch} then said it ends at ${offset}`,
          });
    }
  }
  return anomalies;
}

function raise(values: Map<number, number>, key: number, value: number): void {
  values.set(key, Math.max(values.get(key) ?? -1, value));
}
