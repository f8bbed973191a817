import { expect, test } from "vitest";
import { storeContract } from "../contract/store-contract.ts";
import type { Store } from "../store.ts";
import { memoryHost } from "./memory-host.ts";

storeContract("in memory", async () => {
  const { disk, stores } = memoryHost();
  await disk.makeDirectory("/data");
  return { stores, directory: "/data" };
});

const key = (value: number): Uint8Array => new Uint8Array([value]);
const put = (value: number) => ({ type: "put", key: key(value), value: key(value) }) as const;

async function keys(store: Store): Promise<number[]> {
  const found: number[] = [];
  for await (const [name] of store.scan()) found.push(name[0] ?? -1);
  return found;
}

test("a crash keeps resolved batches and leaves an unresolved one whole or not at all", async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 20; seed += 1) {
    const host = memoryHost({ seed });
    const store = await host.stores.open("/s", { create: true });
    await store.batch([put(1), put(2)]);
    const unresolved = store.batch([put(3), put(4)]);
    host.crash({ keep: "random" });
    await expect(unresolved).rejects.toMatchObject({ name: "DiskError" });
    const again = await host.restart().stores.open("/s", { create: false });
    outcomes.add(String(await keys(again)));
  }
  expect([...outcomes].sort()).toEqual(["1,2", "1,2,3,4"]);
});

test("a rejected batch poisons the store, and may be in it or not", async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 20; seed += 1) {
    const { disk, stores } = memoryHost({ seed });
    const store = await stores.open("/s", { create: true });
    disk.failNext("store batch", "ENOSPC");
    await expect(store.batch([put(1)])).rejects.toMatchObject({ code: "ENOSPC" });
    await expect(store.batch([put(2)])).rejects.toMatchObject({ code: "ENOSPC" });
    await expect(store.get(key(1))).rejects.toMatchObject({ code: "ENOSPC" });
    await store.close();
    outcomes.add(String(await keys(await stores.open("/s", { create: false }))));
  }
  expect([...outcomes].sort()).toEqual(["", "1"]);
});

test("stores lose their last batch, damage values and become empty when a test wants it", async () => {
  const { stores } = memoryHost();
  const store = await stores.open("/s", { create: true });
  await store.batch([put(1)]);
  await store.batch([put(2), { type: "delete", key: key(1) }]);
  stores.loseLastBatch("/s");
  expect(await keys(store)).toEqual([1]);
  stores.flipBit("/s", 0);
  expect(await store.get(key(1))).toEqual(key(0));
  stores.empty("/s");
  expect(await keys(store)).toEqual([]);
});

test("batches are lost in a crash when syncs are lies", async () => {
  const host = memoryHost();
  const store = await host.stores.open("/s", { create: true });
  await store.batch([put(1)]);
  host.disk.syncIsALie = true;
  await store.batch([put(2)]);
  expect(await keys(store)).toEqual([1, 2]);
  expect(await keys(await host.restart().stores.open("/s", { create: false }))).toEqual([1]);
});

test("an old copy of the disk brings the old entries of its stores back", async () => {
  const host = memoryHost();
  const store = await host.stores.open("/s", { create: true });
  await store.batch([put(1)]);
  const photograph = host.disk.photograph();
  await store.batch([put(2)]);
  const later = host.restart();
  later.disk.putBack(photograph);
  const again = await later.stores.open("/s", { create: false });
  expect(await keys(again)).toEqual([1]);
  expect(later.stores.sizes("/s")).toEqual([1]);
});
