import { describe, expect, test } from "vitest";
import type { Store, StoreFactory } from "../store.ts";

/** What every store owes its users. `open` gives stores and an existing, empty directory for them. */
export function storeContract(name: string, open: () => Promise<{ stores: StoreFactory; directory: string }>): void {
  describe(`a store (${name})`, () => {
    test("keeps entries over a restart, in byte order", async () => {
      const { stores, directory } = await open();
      const path = `${directory}/s`;
      const store = await stores.open(path, { create: true });
      await store.batch([put([2], "b"), put([1, 255], "a"), put([255], "z"), put([1], "first"), put([128], "")]);
      await store.batch([put([2], "B"), { type: "delete", key: new Uint8Array([255]) }, { type: "delete", key: new Uint8Array([9]) }]);
      await store.close();
      const again = await stores.open(path, { create: false });
      expect(await entries(again)).toEqual(["1=first", "1,255=a", "2=B", "128="]);
      expect(await entries(again, { from: new Uint8Array([1, 255]), until: new Uint8Array([128]) })).toEqual(["1,255=a", "2=B"]);
      expect(text(await again.get(new Uint8Array([2])))).toBe("B");
      expect(await again.get(new Uint8Array([7]))).toBeUndefined();
      await again.close();
    });

    test("a scan may be left early", async () => {
      const { stores, directory } = await open();
      const store = await stores.open(`${directory}/s`, { create: true });
      await store.batch([put([1], "a"), put([2], "b")]);
      for await (const [key] of store.scan()) {
        expect([...key]).toEqual([1]);
        break;
      }
      await store.close();
    });

    test("creates only what is not there and opens only what is", async () => {
      const { stores, directory } = await open();
      const path = `${directory}/s`;
      expect(await stores.exists(path)).toBe(false);
      await expect(stores.open(path, { create: false })).rejects.toThrow(path);
      expect(await stores.exists(path)).toBe(false);
      await (await stores.open(path, { create: true })).close();
      expect(await stores.exists(path)).toBe(true);
      await expect(stores.open(path, { create: true })).rejects.toMatchObject({ code: "EEXIST" });
    });

    test("a store is open once", async () => {
      const { stores, directory } = await open();
      const store = await stores.open(`${directory}/s`, { create: true });
      await expect(stores.open(`${directory}/s`, { create: false })).rejects.toMatchObject({ name: "DiskError" });
      await store.close();
      await (await stores.open(`${directory}/s`, { create: false })).close();
    });

    test("a closed store refuses", async () => {
      const { stores, directory } = await open();
      const store = await stores.open(`${directory}/s`, { create: true });
      await store.close();
      await expect(store.get(new Uint8Array([1]))).rejects.toMatchObject({ name: "DiskError" });
      await expect(store.batch([put([1], "a")])).rejects.toMatchObject({ name: "DiskError" });
    });

    test("is removed and renamed with its directory", async () => {
      const { stores, directory } = await open();
      const store = await stores.open(`${directory}/a`, { create: true });
      await store.batch([put([1], "one")]);
      await store.close();
      await stores.rename(`${directory}/a`, `${directory}/b`);
      expect(await stores.exists(`${directory}/a`)).toBe(false);
      await (await stores.open(`${directory}/a`, { create: true })).close();
      await expect(stores.rename(`${directory}/b`, `${directory}/a`)).rejects.toMatchObject({ code: "EEXIST" });
      await stores.remove(`${directory}/a`);
      await stores.remove(`${directory}/a`);
      const renamed = await stores.open(`${directory}/b`, { create: false });
      expect(await entries(renamed)).toEqual(["1=one"]);
      await renamed.close();
    });
  });
}

function put(key: number[], value: string): { type: "put"; key: Uint8Array; value: Uint8Array } {
  return { type: "put", key: new Uint8Array(key), value: new TextEncoder().encode(value) };
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

async function entries(store: Store, range?: { from?: Uint8Array; until?: Uint8Array }): Promise<string[]> {
  const found: string[] = [];
  for await (const [key, value] of store.scan(range)) found.push(`${key.join()}=${text(value)}`);
  return found;
}
