import { assert } from "../assert.ts";
import type { Mark } from "../directory/mark.ts";
import { batchAt } from "../segment/inspect.ts";
import { removeIndexFiles } from "../segment/index-files.ts";
import { Segment } from "../segment/segment.ts";
import { SegmentIndex } from "../segment/segment-index.ts";
import { headerCheck, verifyBatch } from "../segment/verify.ts";
import { Window } from "../segment/window.ts";
import type { LogCore } from "./core.ts";
import { deleteSegments } from "./deletion.ts";
import { examine } from "./examine.ts";
import { indexOf } from "./indexing.ts";

/** Where a log is cut: before the batch that holds the offset. */
interface Cut {
  readonly segment: Segment;
  readonly end: Mark;
  readonly maxTimestamp: number;
}

/** Cuts the tail off, durably: the mark is lowered and synced first, or what is cut would look like damage after a power failure. Nothing
 * may be appended meanwhile, and nothing be pending. */
export async function truncate(core: LogCore, offset: number): Promise<Mark> {
  const { disk, files, marks, cache } = core.shared;
  const found = (await findCut(core, offset)) ?? (await findCutPastDamage(core, offset));
  const { segment, end, maxTimestamp } = found.end.offset < core.startOffset ? emptyCut(core) : found;
  const index = segment.onDisk ? await indexOf(core, segment) : segment.index;
  const removed = core.segments.filter((other) => other !== segment && (other.base > segment.base || end.offset === core.startOffset));
  if (end.offset < core.durable.offset) await marks.lower(core.name, end);

  core.version++;
  core.segments = [...core.segments.filter((kept) => kept.base < segment.base && !removed.includes(kept)), segment];
  segment.sizeBytes = segment.writtenBytes = end.position;
  segment.maxTimestamp = segment.writtenMaxTimestamp = maxTimestamp;
  segment.endOffset = core.writtenOffset = core.cached.writtenOffset = end.offset;
  segment.indexCovers = -1;
  segment.index = index;
  index?.cut(end.position);
  cache.cut(core.cached, end.offset);
  core.epochs.cut(end.offset);
  core.damage = core.damage.filter((range) => range.until <= end.offset);
  if (end.offset < core.durable.offset) core.durable = end;
  core.changed();

  await core.saveState();
  await deleteSegments(core, removed);
  if (segment.onDisk) {
    await removeIndexFiles(disk, core.path, segment.base);
    const open = await files.acquire(core.filePath(segment), "write");
    try {
      await open.file.truncate(end.position);
      await open.file.sync();
      open.unsynced = false;
      segment.sizeChecked = true;
    } finally {
      files.release(open);
    }
  }
  if (end.offset > core.durable.offset) await syncBefore(core, segment);
  await marks.set(core.name, end);
  return end;
}

/** The mark rises with a cut beyond it: what a weaker flush policy left to the operating system must be on the disk before it does. */
async function syncBefore(core: LogCore, last: Segment): Promise<void> {
  const { disk, files, syncNames } = core.shared;
  for (const segment of core.segments) {
    if (segment === last || !segment.onDisk || segment.base < core.durable.segmentBase) continue;
    const open = await files.acquire(core.filePath(segment), "write");
    try {
      await open.file.sync();
      open.unsynced = false;
    } finally {
      files.release(open);
    }
  }
  if (!core.namesUnsynced) return;
  await disk.syncDirectory(core.path);
  await syncNames();
  core.namesUnsynced = false;
}

/** The log's start lies within the batch that is cut: it does not fall, so nothing is left. */
function emptyCut(core: LogCore): Cut {
  const segment = new Segment(core.startOffset);
  segment.index = new SegmentIndex(0, core.settings.indexIntervalBytes);
  return { segment, end: markAt(segment, core.startOffset, 0, null), maxTimestamp: -1 };
}

async function findCutPastDamage(core: LogCore, offset: number): Promise<Cut> {
  await examine(core, core.segmentAt(offset));
  const cut = await findCut(core, offset);
  assert(cut !== null, `cannot cut log ${core.name} at offset ${offset}: the batches before it do not follow one another`);
  return cut;
}

/** Null when a batch on the way does not follow the one before. */
async function findCut(core: LogCore, offset: number): Promise<Cut | null> {
  const lost = core.damage.find((range) => range.from < offset && offset < range.until);
  const at = lost?.from ?? offset;
  const segment = core.segmentAt(at);
  // The log begins with offsets that nobody has.
  if (at < segment.base) return emptyCut(core);
  const start = { offset: segment.base, position: 0, timestampBefore: -1 };
  if (at === segment.base || !segment.onDisk) return { segment, end: markAt(segment, segment.base, 0, null), maxTimestamp: -1 };
  // From the entry below the offset before, so that the last batch that stays is seen.
  const entry = (await indexOf(core, segment)).floor(at - 1 - segment.base);
  const from =
    entry === null
      ? start
      : { offset: segment.base + entry.relativeOffset, position: entry.position, timestampBefore: entry.timestampBefore };
  const open = await core.shared.files.acquire(core.filePath(segment), "write");
  try {
    const window = new Window(open.file, segment.writtenBytes);
    let { offset: next, position, timestampBefore } = from;
    let check: number | null = null;
    while (next < at && position < segment.writtenBytes) {
      const range = core.damage.find(
        (damaged) => damaged.segmentBase === segment.base && damaged.startPosition === position && damaged.from === next,
      );
      if (range !== undefined) {
        next = range.until;
        position = range.endPosition;
        check = null;
        continue;
      }
      const batch = await batchAt(window, position);
      const header =
        typeof batch === "string"
          ? batch
          : verifyBatch(batch, { offset: next, epochs: core.epochs, epochsKnownUntil: core.endOffset, lastEpoch: -1 });
      if (typeof header === "string" || typeof batch === "string") return null;
      if (header.lastOffset >= at) break;
      next = header.lastOffset + 1;
      position += header.sizeBytes;
      timestampBefore = Math.max(timestampBefore, header.maxTimestamp);
      check = headerCheck(batch);
    }
    return { segment, end: markAt(segment, next, position, check), maxTimestamp: timestampBefore };
  } finally {
    core.shared.files.release(open);
  }
}

function markAt(segment: Segment, offset: number, position: number, check: number | null): Mark {
  return { offset, segmentBase: segment.base, position, check };
}
