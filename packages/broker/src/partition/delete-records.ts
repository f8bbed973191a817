import { ProtocolError } from "@ottla/protocol";
import type { Leader } from "./leader.ts";
import { takesNoWrites } from "./refusals.ts";

/** Moves the start of a partition's log up to `before`, -1 for the high watermark, at all its replicas.
 * @param stillLeading throws when the leadership is over
 * @throws ProtocolError OFFSET_OUT_OF_RANGE above the high watermark; REQUEST_TIMED_OUT when another replica may still show the records */
export async function deleteRecords(
  { replica, deletions }: Leader,
  before: number,
  timeoutMs: number,
  stillLeading: () => void,
): Promise<number> {
  const { log, producers, name, highWatermark } = replica;
  const offset = before === -1 ? highWatermark : before;
  if (offset < 0 || offset > highWatermark) {
    throw new ProtocolError(
      "OFFSET_OUT_OF_RANGE",
      `Cannot delete the records of ${name} below ${before}: the offset must be from ${log.startOffset} to ${highWatermark}, its high watermark, or -1 for that`,
    );
  }
  if (offset > log.startOffset) {
    if (!producers.trusted) throw takesNoWrites(`delete records of ${name}`, log.failure);
    // The state of producers whose batches go must not depend on them.
    await producers.save();
    stillLeading();
    await log.deleteRecordsTo(offset);
    stillLeading();
  }
  const refusal = await deletions.everywhere(offset, timeoutMs);
  if (refusal !== null) throw refusal;
  return log.startOffset;
}
