import type { Mark } from "../directory/mark.ts";
import { Segment } from "../segment/segment.ts";
import { SegmentIndex } from "../segment/segment-index.ts";
import type { LogCore } from "./core.ts";
import { deleteSegments } from "./deletion.ts";
import { EpochCache } from "./epoch-cache.ts";

/** Drops every batch, durably; the log begins anew at `offset`. Until the state says so a power failure leaves the former log, or its first
 * part; after that what is left of its files is removed at the next open. Nothing may be appended meanwhile, and nothing be pending. */
export async function reset(core: LogCore, offset: number): Promise<Mark> {
  const { marks, cache } = core.shared;
  const end: Mark = { offset, segmentBase: offset, position: 0, check: null };
  const removed = core.segments;
  const first = removed[0]?.base ?? offset;
  // As a place in the former log, because that is what a power failure leaves until the state is saved.
  if (offset < core.durable.offset) await marks.lower(core.name, { offset: first, segmentBase: first, position: 0, check: null });
  const segment = new Segment(offset);
  segment.index = new SegmentIndex(0, core.settings.indexIntervalBytes);

  core.version++;
  core.segments = [segment];
  core.startOffset = core.writtenOffset = core.cached.writtenOffset = offset;
  core.epochs = new EpochCache([]);
  core.damage = [];
  core.durable = end;
  cache.cut(core.cached, 0);
  core.changed();

  await core.saveState();
  core.durableStart = offset;
  await deleteSegments(core, removed);
  await marks.set(core.name, end);
  return end;
}
