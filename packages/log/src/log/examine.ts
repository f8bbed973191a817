import { isMissing } from "@ottla/host";
import { type DamagedBytes, inspect } from "../segment/inspect.ts";
import { type Segment, segmentName } from "../segment/segment.ts";
import { SegmentIndex } from "../segment/segment-index.ts";
import { copyAside } from "./copy.ts";
import type { LogCore } from "./core.ts";
import { type DamageRange, mergeDamage } from "./damage.ts";

/** Verifies a segment from its start because something in it did not, and remembers what is damaged. The index is made anew on the way:
 * it may have been the index that lied. Resolves with whether the segment holds damage that was not known. */
export async function examine(core: LogCore, segment: Segment): Promise<boolean> {
  const sealed = segment !== core.active;
  const floor = { offset: sealed ? segment.endOffset : core.writtenOffset, position: segment.writtenBytes, check: null };
  const index = new SegmentIndex(0, core.settings.indexIntervalBytes);
  const { version } = core;
  let timestampBefore = -1;
  const open = await core.shared.files.acquire(core.filePath(segment), "write").catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (open === null) {
    if (core.version !== version) return false;
    return note(core, segment, [{ from: segment.base, until: floor.offset, startPosition: 0, endPosition: 0 }]);
  }
  try {
    const sizeBytes = Math.min(await open.file.size(), segment.writtenBytes);
    const found = await inspect({
      file: open.file,
      sizeBytes,
      from: { offset: segment.base, position: 0, lastEpoch: -1 },
      floor,
      epochs: core.epochs,
      // Epochs that began before the log's start are forgotten, so what they were cannot be compared.
      epochsKnownUntil: floor.offset,
      onBatch: (header, _batch, position) => {
        index.add(header.baseOffset - segment.base, position, timestampBefore);
        timestampBefore = Math.max(timestampBefore, header.maxTimestamp);
      },
    });
    if (core.version !== version) return false;
    segment.index = segment === core.active ? withLater(core, segment, index, floor.position) : index;
    segment.indexCovers = -1;
    const noted = note(core, segment, found.damage);
    if (noted) await copyAside(core.shared, open.file, core.filePath(segment), sizeBytes);
    return noted;
  } finally {
    core.shared.files.release(open);
  }
}

function note(core: LogCore, segment: Segment, damage: readonly DamagedBytes[]): boolean {
  const ranges = damage.map((range): DamageRange => ({ ...range, segmentBase: segment.base, fate: "damaged" }));
  const merged = mergeDamage(core.damage, ranges);
  if (merged.length === core.damage.length && merged.every((range, at) => range === core.damage[at])) return false;
  for (const range of ranges) {
    core.shared.logger.error(
      { log: core.name, file: `${core.path}/${segmentName(segment.base)}`, ...range },
      "Damage was found; its offsets are not served",
    );
  }
  core.noteDamage(merged);
  return true;
}

/** Batches that were appended while the segment was read are looked up by reading on. */
function withLater(core: LogCore, segment: Segment, index: SegmentIndex, endPosition: number): SegmentIndex {
  if (segment.sizeBytes === endPosition) return index;
  const later = new SegmentIndex(segment.sizeBytes, core.settings.indexIntervalBytes);
  later.completeWith(index.entriesBelow(endPosition));
  return later;
}
