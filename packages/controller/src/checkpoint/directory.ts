import { join } from "node:path";
import type { Host, Store, StoreOperation } from "@ottla/host";
import { encodeFact, type Fact, type FactKey } from "../state/fact.ts";
import { encodeHeader, HEADER_KEY, type Header } from "./header.ts";
import { load, readHeader, type Loaded } from "./load.ts";
import { sealValue } from "./value.ts";

/** Encoded before others get their turn. */
const KEYS_PER_TURN = 1000;
/** Of one batch of a new checkpoint, which counts only after the last. */
const KEYS_PER_BATCH = 5000;

const text = new TextEncoder();

/** The committed state at one index. Facts are never changed once they are made, so this stays true while it is written. */
export interface Committed extends Header {
  readonly facts: readonly (readonly [FactKey, Fact | null])[];
}

/** One of the two directories that hold a checkpoint. What stands under its name is complete; a new one is built beside it. */
export class CheckpointDirectory {
  readonly path: string;
  readonly #host: Host;
  #store: Store | null = null;

  constructor(host: Host, path: string) {
    this.#host = host;
    this.path = path;
  }

  /** Also true of what a checkpoint left that has lost its parts. */
  async exists(): Promise<boolean> {
    return (await this.#host.stores.exists(this.path)) || (await this.#host.disk.exists(this.path));
  }

  /** @throws Error when what it holds does not verify; it is closed then */
  load(): Promise<Loaded> {
    return this.#read(load);
  }

  /** @throws Error like {@link load}; the facts are not looked at */
  header(): Promise<Header> {
    return this.#read(readHeader);
  }

  /** Brings a checkpoint that verified up to date, in one batch. */
  async update(committed: Committed): Promise<void> {
    const store = await this.#open();
    const operations = await this.#operations(committed.facts);
    operations.push(header(committed));
    await store.batch(operations);
  }

  /** Replaces whatever is there by the whole state. Until the new one is complete the old one stands. */
  async rewrite(committed: Committed): Promise<void> {
    const building = new CheckpointDirectory(this.#host, `${this.path}.new`);
    await building.begin();
    for (let at = 0; at < committed.facts.length; at += KEYS_PER_BATCH) await building.add(committed.facts.slice(at, at + KEYS_PER_BATCH));
    await building.complete(committed);
    await this.replaceBy(building);
  }

  /** Removes what is there and begins a new one piece by piece. */
  async begin(): Promise<void> {
    const { stores } = this.#host;
    await this.close();
    await stores.remove(this.path);
    this.#store = await stores.open(this.path, { create: true });
  }

  async add(facts: Committed["facts"]): Promise<void> {
    const store = await this.#open();
    await store.batch(await this.#operations(facts));
  }

  /** From here on it is a checkpoint. */
  async complete(committed: Header): Promise<void> {
    const store = await this.#open();
    await store.batch([header(committed)]);
    await this.close();
  }

  /** The other, which is complete, takes this one's name; a crash meanwhile leaves one of them, or none under this name. */
  async replaceBy(other: CheckpointDirectory): Promise<void> {
    const { stores, disk } = this.#host;
    await this.close();
    await other.close();
    await stores.remove(this.path);
    await stores.rename(other.path, this.path);
    await disk.syncDirectory(join(this.path, ".."));
  }

  async close(): Promise<void> {
    const store = this.#store;
    this.#store = null;
    await store?.close();
  }

  async #read<T>(read: (store: Store) => Promise<T>): Promise<T> {
    const store = await this.#open();
    try {
      return await read(store);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #open(): Promise<Store> {
    this.#store ??= await this.#host.stores.open(this.path, { create: false });
    return this.#store;
  }

  async #operations(facts: Committed["facts"]): Promise<StoreOperation[]> {
    const operations: StoreOperation[] = [];
    for (const [key, fact] of facts) {
      const keyBytes = text.encode(key);
      if (fact) operations.push({ type: "put", key: keyBytes, value: sealValue(keyBytes, encodeFact(fact)) });
      else operations.push({ type: "delete", key: keyBytes });
      if (operations.length % KEYS_PER_TURN === 0) await new Promise<void>((resolve) => this.#host.clock.soon(resolve));
    }
    return operations;
  }
}

function header(committed: Header): StoreOperation {
  return { type: "put", key: HEADER_KEY, value: sealValue(HEADER_KEY, encodeHeader(committed)) };
}
