import type { DiskFile } from "@ottla/host";
import { ProtocolError, readBatchHeader } from "@ottla/protocol";
import { readIndexFiles, writeIndexFiles } from "../segment/index-files.ts";
import { batchAt } from "../segment/inspect.ts";
import type { Segment } from "../segment/segment.ts";
import { type IndexEntry, SegmentIndex } from "../segment/segment-index.ts";
import { Window } from "../segment/window.ts";
import type { LogCore } from "./core.ts";

/** In index intervals: a segment up to this size has no index files, it is read from its start. */
const UNINDEXED_INTERVALS = 4;

const segmentStart: IndexEntry = { relativeOffset: 0, position: 0, timestampBefore: -1 };

/** The index of a segment from its start on: what is in memory, else what the index files hold, else what the segment itself says. */
export async function indexOf(core: LogCore, segment: Segment): Promise<SegmentIndex> {
  if (segment.index?.complete !== true) {
    segment.indexLoading ??= load(core, segment).finally(() => (segment.indexLoading = null));
    await segment.indexLoading;
  }
  const index = segment.index ?? (await load(core, segment));
  core.shared.indexes.touch(segment, () => evict(core, segment));
  return index;
}

/** Writes the index of a segment that is full, so that its memory can be given back. */
export function sealIndex(core: LogCore, segment: Segment): void {
  core.inBackground("write an index", storeIndex(core, segment));
}

/** Writes the index files of a segment as it is on the disk now. */
export async function storeIndex(core: LogCore, segment: Segment): Promise<void> {
  const { writtenBytes } = segment;
  if (segment.index === null || segment.indexCovers === writtenBytes || isSmall(core, segment)) return;
  const index = await indexOf(core, segment);
  const { version } = core;
  await writeIndexFiles(core.shared.disk, core.path, segment.base, index.entriesBelow(writtenBytes), writtenBytes);
  if (version === core.version) segment.indexCovers = writtenBytes;
}

function evict(core: LogCore, segment: Segment): void {
  const { index } = segment;
  if (index === null || core.closed) return;
  core.inBackground("write an index", evictNow(core, segment, index));
}

async function evictNow(core: LogCore, segment: Segment, index: SegmentIndex): Promise<void> {
  await storeIndex(core, segment);
  // Appends go on without; the next look-up takes what they added from the segment.
  if (segment.index === index) segment.index = null;
}

async function load(core: LogCore, segment: Segment): Promise<SegmentIndex> {
  const { disk, logger } = core.shared;
  const index = (segment.index ??= new SegmentIndex(segment.writtenBytes, core.settings.indexIntervalBytes));
  const small = !segment.onDisk || isSmall(core, segment);
  const stored = small ? null : await readIndexFiles(disk, core.path, segment.base);
  const fits = stored !== null && stored.coveredBytes <= segment.writtenBytes;
  if (!fits && !small) logger.info({ file: core.filePath(segment) }, "An index is missing or damaged; it is made anew from its segment");
  const entries = fits ? stored.entries : [];
  if (!small && index.fromPosition > (fits ? stored.coveredBytes : 0)) {
    const last = entries.at(-1);
    const more = await scan(core, segment, last ?? segmentStart, index.fromPosition);
    entries.push(...more);
  }
  index.completeWith(entries);
  return index;
}

function isSmall(core: LogCore, segment: Segment): boolean {
  return segment.writtenBytes <= UNINDEXED_INTERVALS * core.settings.indexIntervalBytes;
}

/** Entries for a part of a segment, read from the batches' headers. It ends early where they make no sense: a reader will find out. */
async function scan(core: LogCore, segment: Segment, from: IndexEntry, untilPosition: number): Promise<IndexEntry[]> {
  if (untilPosition <= from.position) return [];
  const open = await core.shared.files.acquire(core.filePath(segment), "write");
  try {
    return await scanFile(open.file, segment.base, from, untilPosition, core.settings.indexIntervalBytes);
  } finally {
    core.shared.files.release(open);
  }
}

async function scanFile(file: DiskFile, base: number, from: IndexEntry, untilPosition: number, interval: number): Promise<IndexEntry[]> {
  const window = new Window(file, untilPosition);
  const entries: IndexEntry[] = [];
  let offset = base + from.relativeOffset;
  let { timestampBefore } = from;
  let nextEntryAt = from.position + interval;
  for (let position = from.position; position < untilPosition;) {
    const batch = await batchAt(window, position);
    if (typeof batch === "string") break;
    try {
      const header = readBatchHeader(batch);
      if (header.baseOffset !== offset) break;
      if (position >= nextEntryAt) {
        entries.push({ relativeOffset: offset - base, position, timestampBefore });
        nextEntryAt = position + interval;
      }
      timestampBefore = Math.max(timestampBefore, header.maxTimestamp);
      offset = header.lastOffset + 1;
      position += header.sizeBytes;
    } catch (error) {
      if (error instanceof ProtocolError) break;
      throw error;
    }
  }
  return entries;
}
