/** Why a disk operation failed. `code` is the operating system's, so that callers can tell a full disk from a broken one. */
export class DiskError extends Error {
  readonly code: string;
  readonly path: string;

  constructor(operation: string, path: string, code: string, cause?: unknown) {
    super(`${operation} ${path} failed: ${code}`, { cause });
    this.name = "DiskError";
    this.code = code;
    this.path = path;
  }
}

/** An open file. Positions and sizes are bytes. After `close` every method rejects with EBADF. */
export interface DiskFile {
  readonly path: string;
  size(): Promise<number>;
  /** Fills `into` from `position`; resolves with the bytes read, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all parts one after the other from `position`, or rejects; then the bytes there are undefined.
   * The caller must not change the parts before it settles. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  /** fdatasync: once it resolves, the content and the size survive a power failure. A rejected one is never retried. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** `create` opens for reading and writing and makes the file if absent; `create-new` rejects with EEXIST if it is there. */
export type OpenMode = "read" | "write" | "create" | "create-new";

/** Held while a process owns a directory. The operating system frees it when the process dies. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/** Files under absolute paths. Rejections are {@link DiskError}s. A new or renamed name survives a power failure
 * only after `syncDirectory` of its parent. */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  exists(path: string): Promise<boolean>;
  /** Names of the entries, sorted; rejects with ENOENT if there is no such directory. */
  list(directory: string): Promise<string[]>;
  /** Makes the directory and its missing parents; those that exist are left alone. */
  makeDirectory(path: string): Promise<void>;
  /** Removes a file. */
  remove(path: string): Promise<void>;
  /** Removes a directory and everything below it; one that is absent is fine. */
  removeDirectory(path: string): Promise<void>;
  /** Atomic within one file system; replaces what bears the new name. */
  rename(from: string, to: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Bytes this process may still write on the file system that holds `path`, and its size. */
  space(path: string): Promise<{ freeBytes: number; totalBytes: number }>;
  /** @throws DiskError EBUSY: another live process holds it (the message names its pid) */
  lock(directory: string): Promise<DirectoryLock>;
}
