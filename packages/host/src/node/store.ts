import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import type { Level } from "level";
import { DiskError, type Disk } from "../disk.ts";
import type { Store, StoreFactory, StoreOperation } from "../store.ts";
import { diskError } from "./disk/errors.ts";

type Db = Level<Uint8Array, Uint8Array>;

/** Stores in LevelDB. The package is loaded when the first is opened. */
export function levelStores(disk: Disk): StoreFactory {
  // LevelDB names its current manifest in this file; without it there is no store.
  const exists = (directory: string): Promise<boolean> => disk.exists(path.join(directory, "CURRENT"));
  return {
    exists,
    async open(directory, { create }) {
      const there = await exists(directory);
      if (create && (there || (await holdsData(directory)))) throw new DiskError("create store", directory, "EEXIST");
      if (!create && !there) throw new DiskError("open store", directory, "ENOENT");
      try {
        if (create) await mkdir(directory, { recursive: true });
        const { Level } = await import("level");
        const db: Db = new Level(directory, { keyEncoding: "view", valueEncoding: "view", createIfMissing: create, errorIfExists: create });
        await db.open({ createIfMissing: create, errorIfExists: create });
        if (create) {
          await disk.syncDirectory(directory);
          await disk.syncDirectory(path.dirname(directory));
        }
        return new LevelStore(directory, db);
      } catch (error) {
        throw diskError(create ? "create store" : "open store", directory, root(error));
      }
    },
    async remove(directory) {
      await disk.removeDirectory(directory);
      if (await disk.exists(path.dirname(directory))) await disk.syncDirectory(path.dirname(directory));
    },
    async rename(from, to) {
      if (await disk.exists(to)) {
        if ((await readdir(to)).length > 0) throw new DiskError(`rename store to ${path.basename(to)}:`, from, "EEXIST");
      }
      await disk.rename(from, to);
      await disk.syncDirectory(path.dirname(to));
      if (path.dirname(from) !== path.dirname(to)) await disk.syncDirectory(path.dirname(from));
    },
  };
}

/** Tables or a log without CURRENT are a damaged store, which creating one would delete. A creation that was cut short leaves neither. */
async function holdsData(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  return names.some((name) => /^\d+\.(ldb|sst|log)$/.test(name));
}

class LevelStore implements Store {
  readonly #directory: string;
  readonly #db: Db;
  #failure: DiskError | null = null;

  constructor(directory: string, db: Db) {
    this.#directory = directory;
    this.#db = db;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#check();
    try {
      return await this.#db.get(key);
    } catch (error) {
      throw diskError("read store", this.#directory, root(error));
    }
  }

  async *scan(range: { from?: Uint8Array; until?: Uint8Array } = {}): AsyncGenerator<[key: Uint8Array, value: Uint8Array]> {
    this.#check();
    const iterator = this.#db.iterator({
      ...(range.from === undefined ? {} : { gte: range.from }),
      ...(range.until === undefined ? {} : { lt: range.until }),
    });
    try {
      for (;;) {
        const entries = await iterator.nextv(1000).catch((error: unknown) => {
          throw diskError("scan store", this.#directory, root(error));
        });
        if (entries.length === 0) return;
        yield* entries;
      }
    } finally {
      await iterator.close();
    }
  }

  async batch(operations: readonly StoreOperation[]): Promise<void> {
    this.#check();
    try {
      await this.#db.batch(
        operations.map((operation) => (operation.type === "put" ? operation : { type: "del" as const, key: operation.key })),
        { sync: true },
      );
    } catch (error) {
      this.#failure = diskError("write store", this.#directory, root(error));
      throw this.#failure;
    }
  }

  async close(): Promise<void> {
    try {
      await this.#db.close();
    } catch (error) {
      throw diskError("close store", this.#directory, root(error));
    }
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

/** abstract-level wraps what LevelDB said about an open that failed. */
function root(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}
