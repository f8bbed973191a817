import type { pb } from "@ottla/protocol";

/** How many replicas must be in sync for acks=all and for the high watermark to move. While replicas are being added, their number is that of
 * before: one that is still empty helps nobody, and must not be missed either.
 * @param setting `min.insync.replicas` of the topic, -1: the majority of the replicas */
export function minInSync(setting: number, { replicas, adding }: Pick<pb.PartitionRecord, "replicas" | "adding">): number {
  const factor = replicas.length - adding.length;
  return setting === -1 ? Math.floor(factor / 2) + 1 : Math.min(setting, Math.max(1, factor));
}
