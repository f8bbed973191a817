import type { Store, StoreFactory } from "../store.ts";

export class MemoryStores implements StoreFactory {
  open(directory: string, options: { create: boolean }): Promise<Store> { throw new Error(`${directory} ${options.create}`); }
  exists(directory: string): Promise<boolean> { throw new Error(directory); }
  remove(directory: string): Promise<void> { throw new Error(directory); }
  rename(from: string, to: string): Promise<void> { throw new Error(from + to); }
}
