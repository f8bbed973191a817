import type { PartitionDescription } from "@ottla/client";

export type Trouble = "offline" | "below-min-isr" | "under-replicated";

/** The worst that can be said of a partition. A replica that is being added is not missed yet. */
export function troubleOf({ leader, replicas, inSyncReplicas, adding, minInSync }: PartitionDescription): Trouble | null {
  if (leader < 0) return "offline";
  if (inSyncReplicas.length < minInSync) return "below-min-isr";
  const expected = replicas.filter((nodeId) => !adding.includes(nodeId));
  return expected.some((nodeId) => !inSyncReplicas.includes(nodeId)) ? "under-replicated" : null;
}

/** Led by another replica than the first, although that one could. */
export function isAway({ leader, replicas, inSyncReplicas }: PartitionDescription): boolean {
  const [preferred] = replicas;
  return leader >= 0 && preferred !== undefined && leader !== preferred && inSyncReplicas.includes(preferred);
}

/** The reassignment under way, in words. */
export function moving({
  adding,
  removing,
  offlineReplicas,
}: Pick<PartitionDescription, "adding" | "removing" | "offlineReplicas">): string {
  const missing = adding.filter((nodeId) => offlineReplicas.includes(nodeId));
  const stuck = missing.length > 0 ? ` (stuck: ${missing.join(",")} not live)` : "";
  const parts = [
    ...(adding.length > 0 ? [`adding ${adding.join(",")}${stuck}`] : []),
    ...(removing.length > 0 ? [`removing ${removing.join(",")}`] : []),
  ];
  return parts.join(", ");
}
