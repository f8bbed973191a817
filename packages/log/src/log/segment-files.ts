import type { OpenFile } from "../directory/open-files.ts";
import type { Segment } from "../segment/segment.ts";
import type { LogCore } from "./core.ts";

/** Opens the file of a segment to append to it or to sync it, and makes it, with the log's directory, when it is the first time. */
export async function openSegment(core: LogCore, segment: Segment): Promise<OpenFile> {
  const { disk, files } = core.shared;
  const path = core.filePath(segment);
  const there = files.take(path);
  if (there !== null) return there;
  if (!core.onDisk) {
    await disk.makeDirectory(core.path);
    core.onDisk = true;
    core.namesUnsynced = true;
  }
  const open = await files.acquire(path, segment.onDisk ? "write" : "create");
  if (!segment.onDisk) {
    segment.onDisk = true;
    core.namesUnsynced = true;
    segment.sizeChecked = core.isNew;
  }
  return open;
}

/** What is appended must follow what is known of the segment.
 * @throws Error when the file is longer or shorter */
export async function checkSize(open: OpenFile, segment: Segment): Promise<void> {
  const size = await open.file.size();
  if (size !== segment.writtenBytes)
    throw new Error(`${open.path} has ${size} bytes where the log ends at ${segment.writtenBytes}: something else changed it`);
  segment.sizeChecked = true;
}
