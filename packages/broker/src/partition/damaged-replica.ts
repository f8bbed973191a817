import { pb, uuidToBytes } from "@ottla/protocol";
import type { Partition } from "./partition.ts";

/** What the controllers must know of a log before it counts as in sync or eligible; null when its last life left it in order.
 * @param unclean the last life did not end in order: where something was acknowledged that was not synced, it may be gone without a trace */
export function damagedReplica({ topicId, index, log }: Partition, unclean: boolean): pb.DamagedReplica | null {
  const { TORN, DAMAGED, UNCLEAN } = pb.DamagedReplica_Kind;
  const { tornBytes, damaged } = log.recovery;
  const kind = damaged ? DAMAGED : tornBytes > 0 ? TORN : unclean && log.relaxed ? UNCLEAN : null;
  if (kind === null) return null;
  // Of a damaged log what lies before the damage is what another replica could go on from.
  const endOffset = Math.max(log.startOffset, Math.min(log.endOffset, log.damaged[0]?.from ?? Infinity));
  const lastEpoch = endOffset > log.startOffset ? (log.epochAt(endOffset - 1) ?? -1) : -1;
  return { topicId: uuidToBytes(topicId), partition: index, kind, lastEpoch, endOffset };
}
