import type { Replica } from "./replica.ts";

/** Deletes a leader's segments that are past their time or size, below what is committed.
 * @returns how many */
export async function retainSegments(replica: Replica, nowMs: number): Promise<number> {
  const { log, producers } = replica;
  if (await mayBeDue(replica, nowMs)) await producers.save();
  // No batch goes before a snapshot tells of its producer: after a power failure nothing else would.
  const { deletedSegments } = await log.applyRetention(nowMs, Math.min(replica.highWatermark, producers.savedOffset));
  return deletedSegments;
}

/** True when in doubt: then a snapshot is written in vain. */
async function mayBeDue({ log, settings, producers, highWatermark }: Replica, nowMs: number): Promise<boolean> {
  const { retentionMs, retentionBytes } = settings;
  if (log.endOffset === log.startOffset || producers.savedOffset >= highWatermark) return false;
  if (retentionBytes >= 0 && log.sizeBytes > retentionBytes) return true;
  if (retentionMs < 0) return false;
  // What is damaged cannot be asked for its time, and goes all the same.
  const kept = await log.offsetForTimestamp(nowMs - retentionMs, highWatermark).catch(() => null);
  return kept === null || kept.header.baseOffset > log.startOffset;
}
