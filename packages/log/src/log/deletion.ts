import { removeIfThere } from "@ottla/host";
import { removeIndexFiles } from "../segment/index-files.ts";
import type { Segment } from "../segment/segment.ts";
import type { LogCore } from "./core.ts";

/** Takes segments' files away: renamed and made durable at once, removed while nobody waits. Those who read them go on with open files. */
export async function deleteSegments(core: LogCore, segments: readonly Segment[]): Promise<void> {
  const { disk, files, indexes } = core.shared;
  const renamed: string[] = [];
  for (const segment of segments) {
    indexes.release(segment);
    if (!segment.onDisk) continue;
    const path = core.filePath(segment);
    files.forget(path);
    await disk.rename(path, `${path}.deleted`);
    await removeIndexFiles(disk, core.path, segment.base);
    renamed.push(`${path}.deleted`);
  }
  if (renamed.length === 0) return;
  await disk.syncDirectory(core.path);
  core.inBackground("remove deleted segments", removeAll(core, renamed));
}

async function removeAll(core: LogCore, paths: readonly string[]): Promise<void> {
  for (const path of paths) await removeIfThere(core.shared.disk, path);
}

/** Raises the log's start, durably, then deletes the segments that lie below it. The active one stays. */
export async function raiseStart(core: LogCore, offset: number): Promise<Segment[]> {
  const { active } = core;
  const deleted = core.segments.filter((segment) => segment !== active && segment.endOffset <= offset);
  core.startOffset = offset;
  core.epochs.raiseStart(offset);
  core.segments = core.segments.filter((segment) => !deleted.includes(segment));
  core.damage = core.damage.filter((range) => range.until > offset);
  core.version++;
  core.changed();
  await core.saveState();
  core.durableStart = Math.max(core.durableStart, offset);
  core.changed();
  await deleteSegments(core, deleted);
  return deleted;
}
