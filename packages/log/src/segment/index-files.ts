import { type Disk, readWhole, removeIfThere, writeWhole } from "@ottla/host";
import { FieldReader, FieldWriter } from "../format/fields.ts";
import { type FileFormat, sealFile, unsealFile } from "../format/file-header.ts";
import type { IndexEntry } from "./segment-index.ts";
import { offsetIndexName, timeIndexName } from "./segment.ts";

const offsetFormat: FileFormat = { magic: "OTTLAIDX", version: 1 };
const timeFormat: FileFormat = { magic: "OTTLATIX", version: 1 };
const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;

export interface StoredIndex {
  /** The entries speak of the segment's first bytes, up to here. */
  readonly coveredBytes: number;
  readonly entries: IndexEntry[];
}

/** Writes both index files of a segment. They are not synced: damage shows and they can be made again. */
export async function writeIndexFiles(
  disk: Disk,
  directory: string,
  base: number,
  entries: readonly IndexEntry[],
  coveredBytes: number,
): Promise<void> {
  const offsets = new FieldWriter(32 + entries.length * OFFSET_ENTRY_BYTES).i64(base).i64(coveredBytes).u32(entries.length);
  const times = new FieldWriter(32 + entries.length * TIME_ENTRY_BYTES).i64(base).i64(coveredBytes).u32(entries.length);
  for (const entry of entries) {
    offsets.u32(entry.relativeOffset).u32(entry.position);
    times.i64(entry.timestampBefore).u32(entry.relativeOffset);
  }
  await writeWhole(disk, `${directory}/${offsetIndexName(base)}`, sealFile(offsetFormat, offsets.done()));
  await writeWhole(disk, `${directory}/${timeIndexName(base)}`, sealFile(timeFormat, times.done()));
}

/** Null when one of the files is missing or damaged, or when they do not belong together.
 * @throws NewerFormatError */
export async function readIndexFiles(disk: Disk, directory: string, base: number): Promise<StoredIndex | null> {
  const offsets = await readPayload(disk, `${directory}/${offsetIndexName(base)}`, offsetFormat);
  const times = await readPayload(disk, `${directory}/${timeIndexName(base)}`, timeFormat);
  if (offsets === null || times === null) return null;
  try {
    return decode(new FieldReader(offsets), new FieldReader(times), base);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export async function removeIndexFiles(disk: Disk, directory: string, base: number): Promise<void> {
  await removeIfThere(disk, `${directory}/${offsetIndexName(base)}`);
  await removeIfThere(disk, `${directory}/${timeIndexName(base)}`);
}

async function readPayload(disk: Disk, path: string, format: FileFormat): Promise<Uint8Array | null> {
  const bytes = await readWhole(disk, path);
  return bytes === null ? null : unsealFile(bytes, format, path);
}

function decode(offsets: FieldReader, times: FieldReader, base: number): StoredIndex | null {
  const coveredBytes = [offsets, times].map((reader) => (reader.i64() === base ? reader.i64() : -1));
  const count = offsets.count(OFFSET_ENTRY_BYTES);
  const [covered] = coveredBytes;
  if (covered === undefined || covered < 0 || coveredBytes[1] !== covered || times.count(TIME_ENTRY_BYTES) !== count) return null;
  const entries: IndexEntry[] = [];
  let previous: IndexEntry = { relativeOffset: 0, position: 0, timestampBefore: -1 };
  for (let at = 0; at < count; at++) {
    const entry = { relativeOffset: offsets.u32(), position: offsets.u32(), timestampBefore: times.i64() };
    const rises = entry.relativeOffset > previous.relativeOffset && entry.position > previous.position;
    if (times.u32() !== entry.relativeOffset || !rises || entry.timestampBefore < previous.timestampBefore || entry.position >= covered)
      return null;
    entries.push(entry);
    previous = entry;
  }
  return { coveredBytes: covered, entries };
}
