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
      for (let at = 0; at < sizeBytes; ) {
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
