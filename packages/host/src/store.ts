export type StoreOperation =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "delete"; readonly key: Uint8Array };

/** A small ordered key-value store. A rejected `batch` leaves its outcome unknown and the store unusable:
 * close it and verify what a new one holds (reliability: LevelDB lost acknowledged writes after one ENOSPC). */
export interface Store {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Keys in byte order, from `from` (inclusive) to `until` (exclusive). */
  scan(range?: { from?: Uint8Array; until?: Uint8Array }): AsyncIterable<[key: Uint8Array, value: Uint8Array]>;
  /** All or nothing, and durable once it resolves. */
  batch(operations: readonly StoreOperation[]): Promise<void>;
  close(): Promise<void>;
}

export interface StoreFactory {
  /** Opens what is there. With `create` it makes a new, empty one and rejects if the directory already holds a store;
   * without, a directory that holds none rejects and is left untouched. */
  open(directory: string, options: { create: boolean }): Promise<Store>;
  exists(directory: string): Promise<boolean>;
  /** Removes a closed store with its directory; one that is absent is fine. */
  remove(directory: string): Promise<void>;
  /** Renames a closed store over an absent directory, durably. */
  rename(from: string, to: string): Promise<void>;
}
