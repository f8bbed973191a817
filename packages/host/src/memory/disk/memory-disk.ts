import assert from "node:assert";
import { delay } from "../../deadline.ts";
import { DiskError, type DirectoryLock, type Disk, type DiskFile, type OpenMode } from "../../disk.ts";
import { ManualClock } from "../manual-clock.ts";
import { SeededRandom } from "../seeded-random.ts";
import { FileNode, type Keep } from "./file-node.ts";
import { MemoryFile } from "./memory-file.ts";
import { lockDirectory, renaming } from "./names.ts";
import { OperationLog, type DiskOperation, type LoggedOperation } from "./operation-log.ts";
import { Platter, type DirectoryNode } from "./platter.ts";

/** Asked before the n-th operation, from 1. A DiskError makes it fail without effect; `crash` cuts the power in the middle of it. */
export type DiskFault = (operation: DiskOperation, path: string, n: number) => void | DiskError | "crash";

export interface MemoryDiskOptions {
  readonly clock?: ManualClock;
  readonly random?: SeededRandom;
  readonly capacityBytes?: number;
}

/** A copy of a whole disk. */
export interface DiskPhotograph {
  readonly platter: Platter;
}

/** How operations fail once the power is gone. */
const POWERLESS = "EIO";

/** A disk with a page cache, of one life of a machine. Content survives a power failure after `sync`, names after `syncDirectory`. */
export class MemoryDisk implements Disk {
  /** Consulted at every operation. */
  fault: DiskFault | null = null;
  /** What is left when `fault` cuts the power. */
  keepAtFault: Keep = "random";
  /** Syncs answer without doing anything. */
  syncIsALie = false;
  /** How long operations take, in virtual time. */
  latencyMs: number | ((operation: DiskOperation, path: string) => number) = 0;
  /** Called instead of {@link crash} when a fault cuts the power: the whole machine goes. */
  onPowerCut: (keep: Keep) => void = (keep) => this.crash({ keep });
  readonly #clock: ManualClock;
  readonly #platter: Platter;
  readonly #log = new OperationLog();
  #failing: { readonly operation: DiskOperation; readonly code: string }[] = [];
  #dead = false;

  constructor(options: MemoryDiskOptions = {}, platter?: Platter) {
    this.#clock = options.clock ?? new ManualClock();
    this.#platter = platter ?? new Platter(options.random ?? new SeededRandom(1), options.capacityBytes ?? 2 ** 40);
  }

  /** Operations so far, of all kinds or of one. */
  count(operation?: DiskOperation): number {
    return this.#log.count(operation);
  }

  /** The latest operations, oldest first. */
  get operations(): readonly LoggedOperation[] {
    return this.#log.latest;
  }

  /** The next operation of this kind fails with `code`. Several calls queue up. */
  failNext(operation: DiskOperation, code: string): void {
    this.#failing.push({ operation, code });
  }

  /** Damages a file below the file system's notice. */
  flipBit(path: string, offset: number, bit = 0): void {
    const node = this.#platter.find(path);
    assert(node?.kind === "file", `there is no file ${path} to damage`);
    assert(offset < node.cached.size, `cannot flip a bit of byte ${offset} of ${path}, which has ${node.cached.size}`);
    node.flipBit(offset, bit);
  }

  /** All that programs see at this moment, for {@link putBack}. */
  photograph(): DiskPhotograph {
    return { platter: this.#platter.copy(new SeededRandom(1)) };
  }

  /** Somebody replaces the disk by an older copy of it. Nothing of it may be open. */
  putBack({ platter }: DiskPhotograph): void {
    this.#platter.putBack(platter);
  }

  /** Power failure: what is not synced is lost as told, and this life's disk and files are dead. */
  crash(options: { keep?: Keep } = {}): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#platter.crash(options.keep ?? "none");
  }

  /** The process was killed: this life's disk and files are dead, what they wrote is there and still not durable. */
  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#platter.killed();
  }

  /** The disk in the machine's next life. */
  revive(clock: ManualClock): MemoryDisk {
    assert(this.#dead, "a disk is revived after it crashed");
    const next = new MemoryDisk({ clock }, this.#platter);
    next.syncIsALie = this.syncIsALie;
    next.latencyMs = this.latencyMs;
    return next;
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.perform("open", path, () => {
      const place = this.#platter.place("open", path);
      const found = place.parent.cached.get(place.name);
      if (found?.kind === "directory") throw new DiskError("open", path, "EISDIR");
      if (found !== undefined && mode === "create-new") throw new DiskError("open", path, "EEXIST");
      if (found === undefined && (mode === "read" || mode === "write")) throw new DiskError("open", path, "ENOENT");
      const node = found ?? new FileNode();
      if (found === undefined) this.#platter.link(place, node);
      return new MemoryFile(path, mode, node, this, this.#platter);
    });
  }

  exists(path: string): Promise<boolean> {
    return this.perform("exists", path, () => this.#platter.find(path) !== null);
  }

  list(directory: string): Promise<string[]> {
    return this.perform("list", directory, () => [...this.#platter.directory("list", directory).cached.keys()].sort());
  }

  makeDirectory(path: string): Promise<void> {
    return this.perform("makeDirectory", path, () => {
      this.#platter.makeDirectory(path);
    });
  }

  remove(path: string): Promise<void> {
    return this.perform("remove", path, () => {
      const place = this.#platter.place("remove", path);
      const node = place.parent.cached.get(place.name);
      if (node === undefined) throw new DiskError("remove", path, "ENOENT");
      if (node.kind === "directory") throw new DiskError("remove", path, "EISDIR");
      this.#platter.unlink(place);
    });
  }

  removeDirectory(path: string): Promise<void> {
    return this.perform("removeDirectory", path, () => {
      if (this.#platter.find(path) !== null) this.#platter.unlink(this.#platter.place("removeDirectory", path));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.perform("rename", from, () => {
      const { source, target, node } = renaming(this.#platter, from, to);
      this.#platter.move(source, target, node);
    });
  }

  syncDirectory(path: string): Promise<void> {
    let directory: DirectoryNode | null = null;
    return this.perform(
      "syncDirectory",
      path,
      () => {
        directory = this.#platter.directory("syncDirectory", path);
      },
      () => {
        if (directory !== null && !this.syncIsALie) this.#platter.commitNames(directory);
      },
    );
  }

  space(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.perform("space", path, () => {
      if (this.#platter.find(path) === null) throw new DiskError("space", path, "ENOENT");
      const { capacityBytes, usedBytes } = this.#platter;
      return { freeBytes: capacityBytes - usedBytes, totalBytes: capacityBytes };
    });
  }

  lock(path: string): Promise<DirectoryLock> {
    return this.perform("lock", path, () => {
      return lockDirectory(this.#platter, path, () => this.#dead);
    });
  }

  /** One operation: faults, then `begin`, then the time it takes, then `finish`, unless the power went in between. For the parts of
   * this disk and the stores on it. */
  async perform<T>(operation: DiskOperation, path: string, begin: () => T, finish: () => void = () => {}): Promise<T> {
    if (this.#dead) throw new DiskError(operation, path, POWERLESS);
    const fault = this.#note(operation, path);
    if (fault instanceof DiskError) throw fault;
    const result = begin();
    if (fault === "crash") this.onPowerCut(this.keepAtFault);
    const latencyMs = typeof this.latencyMs === "number" ? this.latencyMs : this.latencyMs(operation, path);
    if (latencyMs > 0 && !this.#dead) await delay(this.#clock, latencyMs);
    else await Promise.resolve();
    if (this.#dead) throw new DiskError(operation, path, POWERLESS);
    finish();
    return result;
  }

  /** The power is gone; what survived is found by the next life. */
  get dead(): boolean {
    return this.#dead;
  }

  /** For {@link MemoryStores}. */
  get platter(): Platter {
    return this.#platter;
  }

  #note(operation: DiskOperation, path: string): void | DiskError | "crash" {
    const n = this.#log.add(operation, path);
    const failing = this.#failing.findIndex((one) => one.operation === operation);
    if (failing >= 0) {
      const [fault] = this.#failing.splice(failing, 1);
      if (fault !== undefined) return new DiskError(operation, path, fault.code);
    }
    return this.fault?.(operation, path, n);
  }
}
