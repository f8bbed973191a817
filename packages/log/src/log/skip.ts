import { assert } from "../assert.ts";
import type { Mark } from "../directory/mark.ts";
import { Segment } from "../segment/segment.ts";
import { SegmentIndex } from "../segment/segment-index.ts";
import type { LogCore } from "./core.ts";
import type { Gap } from "./log-facts.ts";

/** The log goes on behind offsets that nobody has: a new segment begins there, durably, and the range is noted as lost. All before it is
 * durable. Whatever part of this a power failure leaves, the log ends before the gap or behind it. */
export async function skip(core: LogCore, { from, until, epochs, accepted }: Gap): Promise<Mark> {
  assert(core.durable.offset === from, `log ${core.name} goes on at ${until} and is durable up to ${core.durable.offset}, not ${from}`);
  const end: Mark = { offset: until, segmentBase: until, position: 0, check: null };
  const segment = new Segment(until);
  segment.index = new SegmentIndex(0, core.settings.indexIntervalBytes);

  core.version++;
  core.segments = [...core.segments.filter(({ sizeBytes }) => sizeBytes > 0), segment];
  core.writtenOffset = core.cached.writtenOffset = until;
  core.shared.cache.cut(core.cached, 0);
  core.epochs.cut(from);
  for (const { epoch, startOffset } of epochs) if (epoch > core.epochs.last) core.epochs.begin(epoch, startOffset);
  core.damage = [
    ...core.damage,
    { from, until, segmentBase: from, startPosition: 0, endPosition: 0, fate: accepted ? "accepted" : "lost" },
  ];
  core.durable = end;
  core.changed();

  await core.saveState();
  await core.shared.marks.set(core.name, end);
  return end;
}
