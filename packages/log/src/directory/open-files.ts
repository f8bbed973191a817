import type { Disk, DiskFile, OpenMode } from "@ottla/host";
import { isOutOfFiles } from "../errors.ts";

/** A file that is open while somebody uses it, and as long after as there is room. */
export interface OpenFile {
  readonly path: string;
  readonly file: DiskFile;
  users: number;
  /** Written to since the last sync began. It is synced before it is closed: a later handle would not learn of a failed write-back. */
  unsynced: boolean;
  forgotten: boolean;
}

/** The open files of a log directory, at most `limit` of them; the longest unused is closed first, and when all are in use the next one
 * waits. Whoever holds one must not wait for another. */
export class OpenFiles {
  readonly #disk: Disk;
  readonly #limit: number;
  readonly #onSyncFailed: (error: unknown) => void;
  /** In order of use. */
  readonly #open = new Map<string, OpenFile>();
  readonly #opening = new Map<string, Promise<OpenFile>>();
  readonly #closing = new Set<Promise<void>>();
  #making = 0;
  #waiting: (() => void)[] = [];

  constructor(disk: Disk, limit: number, onSyncFailed: (error: unknown) => void) {
    this.#disk = disk;
    this.#limit = limit;
    this.#onSyncFailed = onSyncFailed;
  }

  get count(): number {
    return this.#open.size;
  }

  /** The file if it is open already, for the caller to use until `release`. */
  take(path: string): OpenFile | null {
    const open = this.#open.get(path);
    if (open === undefined) return null;
    this.#open.delete(path);
    this.#open.set(path, open);
    open.users++;
    return open;
  }

  async acquire(path: string, mode: OpenMode): Promise<OpenFile> {
    for (;;) {
      const there = this.take(path);
      if (there !== null) return there;
      const opening = this.#opening.get(path);
      if (opening === undefined) break;
      await opening;
    }
    const opening = this.#openNow(path, mode);
    this.#opening.set(path, opening);
    try {
      const open = await opening;
      open.users++;
      return open;
    } finally {
      this.#opening.delete(path);
    }
  }

  release(open: OpenFile): void {
    open.users--;
    if (open.users > 0) return;
    if (open.forgotten) void this.#close(open);
    else if (this.#waiting.length > 0) void this.#evict();
  }

  /** Closes the file once nobody uses it, without syncing: its name is about to go. */
  forget(path: string): void {
    const open = this.#open.get(path);
    if (open === undefined) return;
    this.#open.delete(path);
    open.forgotten = true;
    open.unsynced = false;
    if (open.users === 0) void this.#close(open);
  }

  /** Closes the file once nobody uses it. */
  retire(path: string): void {
    const open = this.#open.get(path);
    if (open === undefined) return;
    this.#open.delete(path);
    open.forgotten = true;
    if (open.users === 0) void this.#close(open);
  }

  /** Runs what opens something. When the process may open no more, because sockets have taken what files were counted on to have, it closes
   * files that nobody uses until it may. */
  async withRoom<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        const closing = isOutOfFiles(error) ? this.#evict() : null;
        if (closing === null) throw error;
        await closing;
      }
    }
  }

  async close(): Promise<void> {
    for (const open of this.#open.values()) void this.#close(open);
    this.#open.clear();
    await Promise.all(this.#closing);
  }

  async #openNow(path: string, mode: OpenMode): Promise<OpenFile> {
    while (this.#open.size + this.#closing.size + this.#making >= this.#limit) {
      void this.#evict();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#making++;
    try {
      const open: OpenFile = {
        path,
        file: await this.withRoom(() => this.#disk.open(path, mode)),
        users: 0,
        unsynced: false,
        forgotten: false,
      };
      this.#open.set(path, open);
      return open;
    } finally {
      this.#making--;
    }
  }

  /** Begins to close the longest unused file, if there is one. */
  #evict(): Promise<void> | null {
    for (const open of this.#open.values()) {
      if (open.users > 0) continue;
      this.#open.delete(open.path);
      return this.#close(open);
    }
    return null;
  }

  #close(open: OpenFile): Promise<void> {
    const closing = this.#syncAndClose(open).finally(() => {
      this.#closing.delete(closing);
      this.#waiting.shift()?.();
    });
    this.#closing.add(closing);
    return closing;
  }

  async #syncAndClose(open: OpenFile): Promise<void> {
    if (open.unsynced) await open.file.sync().catch(this.#onSyncFailed);
    // What matters has been synced, and nobody is left to tell.
    await open.file.close().catch(() => undefined);
  }
}
