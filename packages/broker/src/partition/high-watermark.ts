/** The offset below which every replica that may be elected holds all records: the least of what the replicas of the maximal in-sync set
 * hold, which is the committed one and every one that was proposed and may be committed already. Null while it cannot rise: too few in
 * the committed set, or one of the replicas has not yet said how far it is. */
export function committedOffset(
  inSync: { readonly committed: readonly number[]; readonly maximal: readonly number[] },
  minInSync: number,
  held: (nodeId: number) => number | undefined,
): number | null {
  if (inSync.committed.length < minInSync) return null;
  let least = Infinity;
  for (const nodeId of inSync.maximal) {
    const offset = held(nodeId);
    if (offset === undefined) return null;
    if (offset < least) least = offset;
  }
  return least === Infinity ? null : least;
}
