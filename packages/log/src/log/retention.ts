import type { Segment } from "../segment/segment.ts";
import type { LogCore } from "./core.ts";

/** Which offset the log may begin with by its retention settings: whole segments, oldest first, that end at or below `upTo`. The active
 * one can only go by its age. */
export function retainedFrom(core: LogCore, nowMs: number, upTo: number): number {
  const { retentionMs, retentionBytes } = core.settings;
  const { active } = core;
  let excess = core.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0) - retentionBytes;
  let start = core.startOffset;
  for (const segment of core.segments) {
    if (segment.endOffset > upTo || segment.sizeBytes === 0) break;
    const old = retentionMs >= 0 && nowMs - newestMs(segment) > retentionMs;
    const beyond = retentionBytes >= 0 && excess >= segment.sizeBytes && segment !== active;
    if (!old && !beyond) break;
    excess -= segment.sizeBytes;
    start = segment.endOffset;
  }
  return start;
}

/** Records without timestamps age from when their segment was begun. */
function newestMs(segment: Segment): number {
  return segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.createdMs;
}
