import { DiskError, type Disk, type DiskFile, type MemoryDisk, type OpenMode } from "@ottla/host";
import type { MachineClock } from "./machine-clock.ts";

/** Hears, in the turn in which it happens, what a node does to its files. */
export interface DiskWitness {
  wrote(path: string, position: number, parts: readonly Uint8Array[]): void;
  /** A write that failed may have left any part of itself. */
  writeFailed(path: string, position: number): void;
  truncated(path: string, size: number): void;
  syncBegun(path: string): void;
  synced(path: string): void;
  syncFailed(path: string): void;
  /** A file or a directory with all that is below it. */
  removed(path: string): void;
  renamed(from: string, to: string): void;
}

/** The disk as a node sees it: its completions wait while the machine is frozen, it can be full, and a witness hears of changes. */
export class MachineDisk implements Disk {
  full = false;
  readonly #disk: MemoryDisk;
  readonly #clock: MachineClock;
  readonly #witness: DiskWitness;

  constructor(disk: MemoryDisk, clock: MachineClock, witness: DiskWitness) {
    this.#disk = disk;
    this.#clock = clock;
    this.#witness = witness;
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.#held(this.#disk.open(path, mode).then((file) => this.#file(file)));
  }

  exists(path: string): Promise<boolean> {
    return this.#held(this.#disk.exists(path));
  }

  list(directory: string): Promise<string[]> {
    return this.#held(this.#disk.list(directory));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#held(this.#disk.makeDirectory(path));
  }

  remove(path: string): Promise<void> {
    return this.#held(this.#disk.remove(path).then(() => this.#witness.removed(path)));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#held(this.#disk.removeDirectory(path).then(() => this.#witness.removed(path)));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#held(this.#disk.rename(from, to).then(() => this.#witness.renamed(from, to)));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#held(this.#disk.syncDirectory(path));
  }

  async space(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
    const space = await this.#held(this.#disk.space(path));
    return this.full ? { ...space, freeBytes: 0 } : space;
  }

  lock(directory: string): ReturnType<Disk["lock"]> {
    return this.#held(this.#disk.lock(directory));
  }

  #file(file: DiskFile): DiskFile {
    const { path } = file;
    const witness = this.#witness;
    const write = async (parts: readonly Uint8Array[], position: number): Promise<void> => {
      if (this.full) throw new DiskError("write", path, "ENOSPC");
      witness.wrote(path, position, parts);
      try {
        await file.write(parts, position);
      } catch (error) {
        // When the power or the process has gone nobody hears of it: what got onto the disk is seen later.
        if (!this.#disk.dead) witness.writeFailed(path, position);
        throw error;
      }
    };
    const sync = async (): Promise<void> => {
      witness.syncBegun(path);
      try {
        await file.sync();
      } catch (error) {
        witness.syncFailed(path);
        throw error;
      }
      witness.synced(path);
    };
    return {
      path,
      size: () => this.#held(file.size()),
      read: (into, position) => this.#held(file.read(into, position)),
      write: (parts, position) => this.#held(write(parts, position)),
      truncate: (size) => this.#held(file.truncate(size).then(() => witness.truncated(path, size))),
      sync: () => this.#held(sync()),
      close: () => this.#held(file.close()),
    };
  }

  /** The answer of the disk reaches the process once the process runs. */
  async #held<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      await new Promise<void>((resolve) => this.#clock.whenThawed(resolve));
    }
  }
}
