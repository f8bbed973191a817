import { type Disk, DiskError } from "@ottla/host";

/** Makes a directory and its missing parents, so that they survive a power failure. Those that are there may be from a start that was
 * interrupted before they were durable, so each parent is synced, as far as this user may. */
export async function makeDurableDirectory(disk: Disk, path: string): Promise<void> {
  await disk.makeDirectory(path);
  for (let at = parentOf(path); ; at = parentOf(at)) {
    try {
      await disk.syncDirectory(at === "" ? "/" : at);
    } catch (error) {
      if (!(error instanceof DiskError && (error.code === "EACCES" || error.code === "EPERM"))) throw error;
    }
    if (at === "") return;
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}
