import { isMissing, removeIfThere } from "@ottla/host";
import type { Shared } from "../directory/shared.ts";
import { segmentBaseOf } from "../segment/segment.ts";

/** The base offsets of a log's segment files, in order; null when it has no directory. What a deletion left half done is finished. */
export async function listLog(shared: Shared, path: string): Promise<number[] | null> {
  const names = await shared.disk.list(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (names === null) return null;
  for (const name of names) if (name.endsWith(".deleted")) await removeIfThere(shared.disk, `${path}/${name}`);
  const bases = names.map(segmentBaseOf).filter((base) => base !== null);
  return bases.sort((a, b) => a - b);
}
