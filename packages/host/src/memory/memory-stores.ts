import assert from "node:assert";
import { DiskError } from "../disk.ts";
import type { Store, StoreFactory, StoreOperation } from "../store.ts";
import type { MemoryDisk } from "./disk/memory-disk.ts";
import { FileNode } from "./disk/file-node.ts";
import { StoreContent } from "./store-content.ts";

/** Stores as directories of a {@link MemoryDisk}: its faults, latency and power failures are theirs. */
export class MemoryStores implements StoreFactory {
  readonly #disk: MemoryDisk;
  readonly #open = new Set<StoreContent>();

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  open(directory: string, { create }: { create: boolean }): Promise<Store> {
    const begin = (): Store => {
      const there = this.#find(directory);
      if (create && (there !== null || this.#holdsData(directory))) throw new DiskError("create store", directory, "EEXIST");
      if (!create && there === null) throw new DiskError("open store", directory, "ENOENT");
      const content = there ?? this.#create(directory);
      if (this.#open.has(content)) throw new DiskError("open store", directory, "LEVEL_LOCKED");
      this.#open.add(content);
      return new MemoryStore(directory, this.#disk, content, () => this.#open.delete(content));
    };
    return this.#disk.perform("store open", directory, begin, () => {
      if (create) this.#commitCreation(directory);
    });
  }

  async exists(directory: string): Promise<boolean> {
    return this.#disk.exists(`${directory}/CURRENT`);
  }

  remove(directory: string): Promise<void> {
    return this.#disk.perform("store remove", directory, () => {
      const { platter } = this.#disk;
      if (platter.find(directory) === null) return;
      const place = platter.place("remove store", directory);
      platter.unlink(place);
      if (!this.#disk.syncIsALie) platter.commitNames(place.parent);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.perform("store rename", from, () => {
      const { platter } = this.#disk;
      const source = platter.place("rename store", from);
      const target = platter.place("rename store", to);
      const node = platter.directory("rename store", from);
      if ((platter.find(to)?.kind ?? "directory") !== "directory" || platter.find(`${to}/CURRENT`) !== null)
        throw new DiskError("rename store", from, "EEXIST");
      platter.move(source, target, node);
      if (!this.#disk.syncIsALie) platter.commitNames(target.parent);
    });
  }

  /** Forgets the latest batch of a store, as LevelDB does when its log is damaged. */
  loseLastBatch(directory: string): void {
    this.#content(directory).loseLastBatch();
  }

  /** How many bytes the value of each key has, in order of the keys. */
  sizes(directory: string): number[] {
    return [...this.#content(directory).scan()].map(([, value]) => value.byteLength);
  }

  /** Damages a value of the n-th key in order. */
  flipBit(directory: string, index: number, offset = 0): void {
    assert(this.#content(directory).flipBit(index, offset), `the store ${directory} has no byte ${offset} in entry ${index}`);
  }

  /** Forgets everything, and still opens as a store. */
  empty(directory: string): void {
    this.#content(directory).empty();
  }

  #content(directory: string): StoreContent {
    const content = this.#find(directory);
    assert(content !== null, `there is no store in ${directory}`);
    return content;
  }

  #find(directory: string): StoreContent | null {
    const { platter } = this.#disk;
    const node = platter.find(directory);
    if (node?.kind !== "directory" || !node.cached.has("CURRENT")) return null;
    return node.store;
  }

  /** Without CURRENT it is a damaged store; one that was never written to is the rest of a creation that was cut short. */
  #holdsData(directory: string): boolean {
    const node = this.#disk.platter.find(directory);
    return node?.kind === "directory" && node.store !== null && !node.store.scan().next().done;
  }

  #create(directory: string): StoreContent {
    const { platter } = this.#disk;
    const made = platter.makeDirectory(directory);
    const store = new StoreContent();
    made.store = store;
    const current = new FileNode();
    current.write(new Uint8Array(16), 0);
    platter.usedBytes += 16;
    platter.link({ parent: made, name: "CURRENT" }, current);
    return store;
  }

  #commitCreation(directory: string): void {
    const { platter } = this.#disk;
    const current = platter.find(`${directory}/CURRENT`);
    if (this.#disk.syncIsALie || current?.kind !== "file") return;
    current.commit(current.changes);
    platter.commitNames(platter.directory("create store", directory));
    platter.commitNames(platter.place("create store", directory).parent);
  }
}

class MemoryStore implements Store {
  readonly #directory: string;
  readonly #disk: MemoryDisk;
  readonly #content: StoreContent;
  readonly #release: () => void;
  #closed = false;
  #failure: unknown = null;

  constructor(directory: string, disk: MemoryDisk, content: StoreContent, release: () => void) {
    this.#directory = directory;
    this.#disk = disk;
    this.#content = content;
    this.#release = release;
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#disk.perform("store get", this.#directory, () => {
      this.#check("read store");
      return this.#content.get(key);
    });
  }

  async *scan(range: { from?: Uint8Array; until?: Uint8Array } = {}): AsyncGenerator<[key: Uint8Array, value: Uint8Array]> {
    yield* await this.#disk.perform("store scan", this.#directory, () => {
      this.#check("scan store");
      return [...this.#content.scan(range.from, range.until)];
    });
  }

  async batch(operations: readonly StoreOperation[]): Promise<void> {
    const copied = operations.map((operation): StoreOperation =>
      operation.type === "put"
        ? { type: "put", key: operation.key.slice(), value: operation.value.slice() }
        : { type: "delete", key: operation.key.slice() },
    );
    this.#check("write store");
    try {
      await this.#disk.perform(
        "store batch",
        this.#directory,
        () => this.#content.begin(copied),
        () => this.#content.finish(copied, !this.#disk.syncIsALie),
      );
    } catch (error) {
      // Whether a rejected batch is in the store is anybody's guess.
      if (this.#failure === null && !this.#disk.dead && this.#disk.platter.random.below(2) === 0) this.#content.finish(copied, true);
      this.#failure = error;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#disk.perform("store close", this.#directory, () => {
      if (this.#closed) return;
      this.#closed = true;
      this.#release();
    });
  }

  #check(operation: string): void {
    if (this.#closed) throw new DiskError(operation, this.#directory, "LEVEL_DATABASE_NOT_OPEN");
    if (this.#failure !== null) throw this.#failure;
  }
}
