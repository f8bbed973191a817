import { type Disk, DiskError } from "./disk.ts";

export function isMissing(error: unknown): boolean {
  return error instanceof DiskError && error.code === "ENOENT";
}

/** The content of a small file; null when there is none. */
export async function readWhole(disk: Disk, path: string): Promise<Uint8Array | null> {
  try {
    const file = await disk.open(path, "read");
    try {
      const bytes = new Uint8Array(await file.size());
      const read = await file.read(bytes, 0);
      return bytes.subarray(0, read);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Overwrites without syncing: for what is checked before use and can be made again. */
export async function writeWhole(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, "create");
  try {
    await file.write([bytes], 0);
    await file.truncate(bytes.length);
  } finally {
    await file.close();
  }
}

/** After it either the old or the new content is there, whatever happens, and once it resolves the new one is durable. */
export async function replaceFile(disk: Disk, directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = `${directory}/${name}`;
  const file = await disk.open(`${path}.tmp`, "create");
  try {
    await file.truncate(0);
    await file.write([bytes], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(`${path}.tmp`, path);
  await disk.syncDirectory(directory);
}

export async function removeIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
