import type { FlushPolicy } from "@ottla/protocol";

/** What a leader knows of one replica's log. */
export interface ReplicaProgress {
  readonly writtenOffset: number;
  readonly durableOffset: number;
}

/** The offset below which every replica that may be elected holds all records: the least of their durable ends under `commit`, of their
 * log ends otherwise. Null while it cannot rise: too few in sync, or one of them has not yet said how far it is. */
export function committedOffset(
  inSync: readonly number[],
  minInSync: number,
  policy: FlushPolicy,
  progress: (nodeId: number) => ReplicaProgress | undefined,
): number | null {
  if (inSync.length < minInSync) return null;
  let least = Infinity;
  for (const nodeId of inSync) {
    const replica = progress(nodeId);
    if (replica === undefined) return null;
    least = Math.min(least, policy.kind === "commit" ? replica.durableOffset : replica.writtenOffset);
  }
  return least === Infinity ? null : least;
}
