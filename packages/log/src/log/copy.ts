import type { DiskFile } from "@ottla/host";
import type { Shared } from "../directory/shared.ts";

const CHUNK_BYTES = 1 << 20;

/** Keeps a copy of a damaged file for whoever can make something of it. Without room for one the original, which is not changed, must do. */
export async function copyAside(shared: Shared, from: DiskFile, path: string, sizeBytes: number): Promise<void> {
  const copy = `${path}.damaged`;
  try {
    if (await shared.disk.exists(copy)) return;
    const to = await shared.disk.open(copy, "create-new");
    try {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, sizeBytes));
      for (let at = 0; at < sizeBytes;) {
        const read = await from.read(chunk.subarray(0, Math.min(chunk.length, sizeBytes - at)), at);
        if (read === 0) break;
        await to.write([chunk.subarray(0, read)], at);
        at += read;
      }
      await to.sync();
    } finally {
      await to.close();
    }
  } catch (error) {
    shared.logger.warn({ err: error, path: copy }, "Cannot keep a copy of a damaged file");
  }
}

/** Writes the bytes of a part of a file over themselves. */
export async function rewrite(file: DiskFile, fromPosition: number, untilPosition: number): Promise<void> {
  for (let at = fromPosition; at < untilPosition;) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, untilPosition - at));
    await file.read(chunk, at);
    await file.write([chunk], at);
    at += chunk.length;
  }
}
