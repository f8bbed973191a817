import type { Mark } from "../directory/mark.ts";
import type { Shared } from "../directory/shared.ts";
import { removeIndexFiles } from "../segment/index-files.ts";
import { type Segment, segmentName } from "../segment/segment.ts";
import { rewrite } from "./copy.ts";

export async function measureSegment(shared: Shared, directory: string, base: number): Promise<{ path: string; bytes: number }> {
  const path = `${directory}/${segmentName(base)}`;
  const file = await shared.disk.open(path, "read");
  try {
    return { path, bytes: await file.size() };
  } finally {
    await file.close();
  }
}

export async function removeSegments(shared: Shared, directory: string, bases: readonly number[]): Promise<void> {
  const { disk, files } = shared;
  for (const base of bases) {
    const path = `${directory}/${segmentName(base)}`;
    files.forget(path);
    await disk.remove(path);
    await removeIndexFiles(disk, directory, base);
  }
  if (bases.length > 0) await disk.syncDirectory(directory);
}

/** What is in the page cache may not be on the disk, and if a sync had failed the system may take it for written all the same: so what lies
 * beyond the mark is written again before it is synced. */
export async function makeDurable(shared: Shared, directory: string, segments: readonly Segment[], floor: Mark): Promise<void> {
  for (const segment of segments) {
    if (!segment.onDisk || segment.base < floor.segmentBase) continue;
    const open = await shared.files.acquire(`${directory}/${segmentName(segment.base)}`, "write");
    try {
      await rewrite(open.file, segment.base === floor.segmentBase ? floor.position : 0, segment.writtenBytes);
      await open.file.sync();
    } finally {
      shared.files.release(open);
    }
  }
  await shared.disk.syncDirectory(directory);
  await shared.syncNames();
}
