import { delay, type Clock, type Disk, type DiskFile, type OpenMode } from "@ottla/host";
import type { WrittenLog } from "./written-log.ts";

export interface Tap {
  readonly clock: Clock;
  readonly written: WrittenLog;
  /** Syncs answer at once and happen later: what a build does that acknowledges before its data is safe. */
  readonly answersBeforeSync: boolean;
  /** Hears of a file that is written or synced again after a sync of it had failed (S1). A temporary file is begun anew instead. */
  onAfterFailedSync(operation: string, path: string): void;
}

const lateByMs = 3;

/** A disk that tells what is written to it. */
export function tappedDisk(disk: Disk, tap: Tap): Disk {
  const failed = new Set<string>();
  return {
    open: async (path: string, mode: OpenMode) => tappedFile(await disk.open(path, mode), tap, failed),
    exists: (path) => disk.exists(path),
    list: (directory) => disk.list(directory),
    makeDirectory: (path) => disk.makeDirectory(path),
    remove: (path) => disk.remove(path),
    removeDirectory: (path) => disk.removeDirectory(path),
    rename: (from, to) => disk.rename(from, to),
    syncDirectory: (path) => disk.syncDirectory(path),
    space: (path) => disk.space(path),
    lock: (directory) => disk.lock(directory),
  };
}

/** @param failed files of which a sync has failed */
function tappedFile(file: DiskFile, { clock, written, answersBeforeSync, onAfterFailedSync }: Tap, failed: Set<string>): DiskFile {
  const { path } = file;
  let late: Promise<void> = Promise.resolve();
  const trust = (operation: string): void => {
    if (failed.has(path) && !path.endsWith(".tmp")) onAfterFailedSync(operation, path);
  };
  const sync = (): Promise<void> => {
    trust("sync");
    if (!answersBeforeSync)
      return file.sync().catch((error: unknown) => {
        failed.add(path);
        throw error;
      });
    late = Promise.all([late, delay(clock, lateByMs)]).then(() => file.sync());
    late.catch(() => {});
    return Promise.resolve();
  };
  return {
    path,
    size: () => file.size(),
    read: (into, position) => file.read(into, position),
    write(parts, position) {
      trust("write");
      written.note(path, parts);
      return file.write(parts, position);
    },
    truncate: (size) => file.truncate(size),
    sync,
    async close() {
      await late.catch(() => {});
      await file.close();
    },
  };
}
