import type { DirectoryLock, Disk, DiskFile, OpenMode } from "../disk.ts";
import { DiskError } from "../disk.ts";

/** What a power failure leaves of changes that were not synced: nothing, everything, or random sectors and names. */
export type Keep = "none" | "all" | "random";
export type DiskOperation =
  | "open" | "size" | "read" | "write" | "truncate" | "sync" | "close" | "exists" | "list" | "makeDirectory" | "remove"
  | "removeDirectory" | "rename" | "syncDirectory" | "space" | "lock";
/** Consulted before the n-th operation (from 1). A DiskError makes it fail, `crash` cuts the power during it. */
export type DiskFault = (operation: DiskOperation, path: string, n: number) => void | DiskError | "crash";

export class MemoryDisk implements Disk {
  fault: DiskFault | null = null;
  syncIsALie = false;
  open(path: string, mode: OpenMode): Promise<DiskFile> { throw new DiskError("open", path, mode); }
  exists(path: string): Promise<boolean> { throw new DiskError("open", path, "ENOSYS"); }
  list(path: string): Promise<string[]> { throw new DiskError("open", path, "ENOSYS"); }
  makeDirectory(path: string): Promise<void> { throw new DiskError("open", path, "ENOSYS"); }
  remove(path: string): Promise<void> { throw new DiskError("open", path, "ENOSYS"); }
  removeDirectory(path: string): Promise<void> { throw new DiskError("open", path, "ENOSYS"); }
  rename(path: string, to: string): Promise<void> { throw new DiskError("open", path, to); }
  syncDirectory(path: string): Promise<void> { throw new DiskError("open", path, "ENOSYS"); }
  space(path: string): Promise<{ freeBytes: number; totalBytes: number }> { throw new DiskError("open", path, "ENOSYS"); }
  lock(path: string): Promise<DirectoryLock> { throw new DiskError("open", path, "ENOSYS"); }
  failNext(operation: DiskOperation, code: string): void { throw new DiskError(operation, "", code); }
  flipBit(path: string, offset: number): void { throw new DiskError("flip", path, String(offset)); }
  crash(options?: { keep?: Keep }): void { throw new Error(options?.keep); }
}
