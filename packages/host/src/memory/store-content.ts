import type { StoreOperation } from "../store.ts";
import type { Keep } from "./disk/file-node.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Keys as strings of one character a byte: they compare like the bytes and serve as Map keys. */
const text = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
const bytes = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, "latin1"));

/** The entries of one store, whose batches are atomic. */
export class StoreContent {
  #entries = new Map<string, Uint8Array>();
  #sorted: string[] | null = null;
  /** Takes back the latest batch. */
  #undo: (readonly [key: string, before: Uint8Array | undefined])[] = [];
  /** Batches under way: a power failure leaves them whole or leaves nothing of them. */
  readonly #unresolved = new Set<readonly StoreOperation[]>();
  /** What is durable, while syncs are lies. */
  #durable: Map<string, Uint8Array> | null = null;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(text(key))?.slice();
  }

  *scan(from?: Uint8Array, until?: Uint8Array): Generator<[key: Uint8Array, value: Uint8Array]> {
    this.#sorted ??= [...this.#entries.keys()].sort();
    const entries = this.#entries;
    const start = from === undefined ? "" : text(from);
    const end = until === undefined ? null : text(until);
    for (const key of this.#sorted) {
      if (key < start) continue;
      if (end !== null && key >= end) return;
      const value = entries.get(key);
      if (value !== undefined) yield [bytes(key), value.slice()];
    }
  }

  begin(batch: readonly StoreOperation[]): void {
    this.#unresolved.add(batch);
  }

  finish(batch: readonly StoreOperation[], durably: boolean): void {
    this.#unresolved.delete(batch);
    if (!durably) this.#durable ??= new Map(this.#entries);
    this.#apply(batch);
    if (durably) this.#durable = null;
  }

  crash(keep: Keep, random: SeededRandom): void {
    if (this.#durable !== null && keep !== "all") this.#entries = this.#durable;
    this.#durable = null;
    this.#resolve(keep, random);
  }

  killed(random: SeededRandom): void {
    this.#resolve("random", random);
  }

  copy(): StoreContent {
    const copy = new StoreContent();
    copy.#entries = new Map(this.#entries);
    copy.#undo = this.#undo;
    for (const batch of this.#unresolved) copy.#unresolved.add(batch);
    copy.#durable = this.#durable === null ? null : new Map(this.#durable);
    return copy;
  }

  loseLastBatch(): void {
    for (const [key, before] of this.#undo.toReversed()) {
      if (before === undefined) this.#entries.delete(key);
      else this.#entries.set(key, before);
    }
    this.#undo = [];
    this.#sorted = null;
  }

  /** Damages the value of the n-th key in order. False if there is none or it is empty. */
  flipBit(index: number, offset: number): boolean {
    this.#sorted ??= [...this.#entries.keys()].sort();
    const key = this.#sorted[index];
    const value = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || value === undefined || offset >= value.byteLength) return false;
    const damaged = value.slice();
    damaged[offset] = (damaged[offset] ?? 0) ^ 1;
    this.#entries.set(key, damaged);
    return true;
  }

  empty(): void {
    this.#entries = new Map();
    this.#sorted = null;
    this.#undo = [];
  }

  #resolve(keep: Keep, random: SeededRandom): void {
    this.#sorted = null;
    for (const batch of this.#unresolved) if (keep === "all" || (keep === "random" && random.below(2) === 0)) this.#apply(batch);
    this.#unresolved.clear();
  }

  #apply(batch: readonly StoreOperation[]): void {
    this.#undo = [];
    this.#sorted = null;
    for (const operation of batch) {
      const key = text(operation.key);
      this.#undo.push([key, this.#entries.get(key)]);
      if (operation.type === "put") this.#entries.set(key, operation.value);
      else this.#entries.delete(key);
    }
  }
}
