import type { Disk } from "@ottla/host";
import type { DiskWitness } from "../machine/machine-disk.ts";
import { ReplicaLog, type WrittenBatch } from "./replica-log.ts";

const SEGMENT = /\/log\/([0-9a-f]{32}-\d+)\/\d{20}\.log$/;
const LOG_DIRECTORY = /\/log\/([0-9a-f]{32}-\d+)$/;

/** How batches went: cut off a file or with it, or with the whole log. */
export type Gone = "tail" | "directory";

/** Hears what changes in the logs of one machine. `log` is the topic id in hexadecimal digits, a dash and the partition. */
export interface LogWitness {
  appended(log: string, added: readonly WrittenBatch[]): void;
  /** Batches at the end, or all of a log, are gone. */
  cut(log: string, gone: readonly WrittenBatch[], how: Gone): void;
  dropped(log: string): void;
  durable(log: string): void;
  /** A file was synced, as it seems, of which a sync had failed before (S1). */
  syncedInVain(log: string, path: string): void;
}

/** What the partitions' files on one machine hold, as its disk was told; nothing of it comes from the node. */
export class ReplicaLogs implements DiskWitness {
  readonly logs = new Map<string, ReplicaLog>();
  readonly #witness: LogWitness;
  readonly #syncing = new Map<string, WrittenBatch[][]>();
  /** Files of which a sync has failed. */
  readonly #failed = new Set<string>();

  constructor(witness: LogWitness) {
    this.#witness = witness;
  }

  wrote(path: string, position: number, parts: readonly Uint8Array[]): void {
    const name = logOf(path);
    if (name === null) return;
    const { added, gone } = this.#log(name).write(path, position, parts);
    if (gone.length > 0) this.#witness.cut(name, gone, "tail");
    if (added.length > 0) this.#witness.appended(name, added);
  }

  writeFailed(path: string, position: number): void {
    this.#cut(path, position);
  }

  truncated(path: string, size: number): void {
    this.#cut(path, size);
  }

  syncBegun(path: string): void {
    const name = logOf(path);
    if (name === null) return;
    const syncing = this.#syncing.get(path) ?? [];
    syncing.push(this.#log(name).unsynced(path));
    this.#syncing.set(path, syncing);
  }

  synced(path: string): void {
    const name = logOf(path);
    const batches = this.#syncing.get(path)?.shift();
    if (name !== null && this.#failed.has(path)) this.#witness.syncedInVain(name, path);
    if (name === null || batches === undefined || batches.length === 0) return;
    for (const batch of batches) batch.durable = true;
    this.#witness.durable(name);
  }

  syncFailed(path: string): void {
    this.#syncing.get(path)?.shift();
    this.#failed.add(path);
  }

  removed(path: string): void {
    this.#failed.delete(path);
    const directory = LOG_DIRECTORY.exec(path)?.[1];
    if (directory !== undefined) this.#drop(directory);
    else this.#cut(path, 0);
  }

  renamed(from: string): void {
    this.removed(from);
  }

  /** The process alone has ended: the files are as they were. */
  killed(): void {
    this.#syncing.clear();
    this.#failed.clear();
  }

  /** Looks at what a disk holds after a power failure: that is durable. What was so before is there still, flipped bits or not. */
  async read(disk: Disk, directory: string): Promise<void> {
    const former = new Map(this.logs);
    this.clear();
    if (!(await disk.exists(directory))) return;
    for (const name of await disk.list(directory)) {
      if (!/^[0-9a-f]{32}-\d+$/.test(name)) continue;
      const log = this.#log(name);
      for (const file of await disk.list(`${directory}/${name}`)) {
        if (!file.endsWith(".log")) continue;
        const path = `${directory}/${name}/${file}`;
        if (log.batches.length > 0 && Number(file.slice(0, 20)) !== log.endOffset) break;
        if (!log.read(path, await contentOf(disk, path), former.get(name))) break;
      }
    }
  }

  /** There is nothing any more. */
  clear(): void {
    this.logs.clear();
    this.#syncing.clear();
    this.#failed.clear();
  }

  #cut(path: string, size: number): void {
    const name = logOf(path);
    const gone = name === null ? [] : this.#log(name).truncate(path, size);
    if (name !== null && gone.length > 0) this.#witness.cut(name, gone, "tail");
  }

  #drop(name: string): void {
    const log = this.logs.get(name);
    if (log === undefined) return;
    this.logs.delete(name);
    if (log.batches.length > 0) this.#witness.cut(name, log.batches, "directory");
    this.#witness.dropped(name);
  }

  #log(name: string): ReplicaLog {
    const known = this.logs.get(name);
    if (known !== undefined) return known;
    const log = new ReplicaLog();
    this.logs.set(name, log);
    return log;
  }
}

function logOf(path: string): string | null {
  return SEGMENT.exec(path)?.[1] ?? null;
}

async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, "read");
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}
