import { type Disk, type Logger, type Random, readWhole, removeIfThere, replaceFile } from "@ottla/host";
import { type Uuid, uuidFromBytes } from "@ottla/protocol";
import { FieldReader, FieldWriter } from "../format/fields.ts";
import { type FileFormat, sealFile, unsealFile } from "../format/file-header.ts";

/** Also the version of everything in the directory that has no version of its own: the segments. */
const identityFormat: FileFormat = { magic: "OTTLADIR", version: 1 };
const markerFormat: FileFormat = { magic: "OTTLACLN", version: 1 };
const IDENTITY_FILE = "directory.id";
const MARKER_FILE = "clean.marker";
const UUID_BYTES = 16;

/** Whether a first open has come to its end here. */
export function hasIdentity(disk: Disk, directory: string): Promise<boolean> {
  return disk.exists(`${directory}/${IDENTITY_FILE}`);
}

/** The directory's id, made when it has none. A damaged one is replaced: under a new id nobody takes its logs for those they know.
 * @throws NewerFormatError */
export async function readIdentity(disk: Disk, directory: string, random: Random, logger: Logger): Promise<Uuid> {
  const path = `${directory}/${IDENTITY_FILE}`;
  const bytes = await readWhole(disk, path);
  const payload = bytes === null ? null : unsealFile(bytes, identityFormat, path);
  if (payload?.length === UUID_BYTES) return uuidFromBytes(payload);
  const id = random.uuid();
  if (bytes !== null) logger.error({ path }, "The id of the log directory is damaged; it gets a new one");
  await replaceFile(disk, directory, IDENTITY_FILE, sealFile(identityFormat, id));
  return uuidFromBytes(id);
}

/** The marker that the last orderly close left, if it is whole. It is gone, durably, before anything changes.
 * @throws NewerFormatError */
export async function takeMarker(disk: Disk, directory: string): Promise<{ brokerEpoch: number } | null> {
  const path = `${directory}/${MARKER_FILE}`;
  const bytes = await readWhole(disk, path);
  if (bytes === null) return null;
  const payload = unsealFile(bytes, markerFormat, path);
  await removeIfThere(disk, path);
  await disk.syncDirectory(directory);
  return payload?.length === 8 ? { brokerEpoch: new FieldReader(payload).i64() } : null;
}

export async function leaveMarker(disk: Disk, directory: string, brokerEpoch: number): Promise<void> {
  await replaceFile(disk, directory, MARKER_FILE, sealFile(markerFormat, new FieldWriter(8).i64(brokerEpoch).done()));
}
