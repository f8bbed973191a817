import { expect, test } from "vitest";
import { diskContract } from "../../contract/disk-contract.ts";
import { DiskError } from "../../disk.ts";
import { ManualClock } from "../manual-clock.ts";
import { SeededRandom } from "../seeded-random.ts";
import { MemoryDisk } from "./memory-disk.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

diskContract("in memory", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/data");
  return { disk, directory: "/data" };
});

async function prepared(seed = 1): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ random: new SeededRandom(seed) });
  await disk.makeDirectory("/d");
  await disk.syncDirectory("/");
  return disk;
}

async function read(disk: MemoryDisk, path: string): Promise<string | null> {
  if (!(await disk.exists(path))) return null;
  const file = await disk.open(path, "read");
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  return new TextDecoder().decode(bytes);
}

function next(disk: MemoryDisk): MemoryDisk {
  return disk.revive(new ManualClock());
}

test("a crash keeps what was synced and nothing else", async () => {
  const disk = await prepared();
  const file = await disk.open("/d/a", "create");
  await file.write([text("synced")], 0);
  await file.sync();
  await disk.syncDirectory("/d");
  await file.write([text("SYN")], 0);
  await file.truncate(4);
  await disk.open("/d/b", "create");
  await disk.rename("/d/a", "/d/c");
  disk.crash({ keep: "none" });
  const after = next(disk);
  expect(await after.list("/d")).toEqual(["a"]);
  expect(await read(after, "/d/a")).toBe("synced");
});

test("a synced file without a synced name is gone, and a synced name without content is empty", async () => {
  const disk = await prepared();
  const named = await disk.open("/d/named", "create");
  await disk.syncDirectory("/d");
  await named.write([text("x")], 0);
  const unnamed = await disk.open("/d/unnamed", "create");
  await unnamed.write([text("x")], 0);
  await unnamed.sync();
  disk.crash({ keep: "none" });
  const after = next(disk);
  expect(await after.list("/d")).toEqual(["named"]);
  expect(await read(after, "/d/named")).toBe("");
});

test("a removed file returns unless the directory was synced", async () => {
  const disk = await prepared();
  await disk.open("/d/a", "create");
  await disk.open("/d/b", "create");
  await disk.syncDirectory("/d");
  await disk.remove("/d/a");
  await disk.syncDirectory("/d");
  await disk.remove("/d/b");
  disk.crash();
  expect(await next(disk).list("/d")).toEqual(["b"]);
});

test("a rename between directories is whole or not at all", async () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const disk = await prepared(seed);
    await disk.makeDirectory("/e");
    await disk.open("/d/a", "create");
    for (const directory of ["/", "/d", "/e"]) await disk.syncDirectory(directory);
    await disk.rename("/d/a", "/e/a");
    disk.crash({ keep: "random" });
    const after = next(disk);
    expect([...(await after.list("/d")), ...(await after.list("/e"))]).toEqual(["a"]);
  }
});

test("a random crash tears writes at sectors, loses and keeps them", async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed += 1) {
    const disk = await prepared(seed);
    const file = await disk.open("/d/a", "create");
    await file.write([new Uint8Array(1536).fill(1)], 0);
    await file.sync();
    await disk.syncDirectory("/d");
    await file.write([new Uint8Array(1536).fill(2)], 0);
    disk.crash({ keep: "random" });
    const after = await next(disk).open("/d/a", "read");
    const bytes = new Uint8Array(1536);
    await after.read(bytes, 0);
    for (let at = 0; at < 1536; at += 1) expect(bytes[at]).toBe(bytes[at - (at % 512)]);
    seen.add(`${bytes[0]}${bytes[512]}${bytes[1024]}`);
  }
  expect([...seen].sort()).toEqual(["111", "112", "121", "122", "211", "212", "221", "222"]);
});

test("only what was written before a sync began is made durable by it", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  const file = await disk.open("/a", "create");
  await disk.syncDirectory("/");
  await file.write([text("before")], 0);
  disk.latencyMs = (operation) => (operation === "sync" ? 10 : 0);
  const syncing = file.sync();
  await file.write([text("AFTER!")], 0);
  await clock.run(syncing);
  disk.crash();
  disk.latencyMs = 0;
  expect(await read(disk.revive(clock), "/a")).toBe("before");
});

test("a crash during a sync rejects it", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  const file = await disk.open("/a", "create");
  await disk.syncDirectory("/");
  await file.write([text("x")], 0);
  disk.latencyMs = 10;
  const syncing = clock.run(file.sync());
  await Promise.resolve();
  disk.crash();
  await expect(syncing).rejects.toBeInstanceOf(DiskError);
  disk.latencyMs = 0;
  expect(await read(disk.revive(clock), "/a")).toBe("");
});

test("faults hit the operation that is asked for, and a cut kills all handles", async () => {
  const disk = await prepared();
  const file = await disk.open("/d/a", "create");
  disk.failNext("sync", "EIO");
  await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
  await file.sync();
  disk.fault = (operation, path, n) => {
    expect(n).toBe(disk.count());
    return operation === "rename" ? "crash" : path === "/d/b" ? new DiskError(operation, path, "EACCES") : undefined;
  };
  await expect(disk.open("/d/b", "create")).rejects.toMatchObject({ code: "EACCES" });
  expect(disk.count("sync")).toBe(2);
  expect(disk.operations.at(-1)).toMatchObject({ operation: "open", path: "/d/b" });
  await expect(disk.rename("/d/a", "/d/c")).rejects.toBeInstanceOf(DiskError);
  await expect(file.write([text("x")], 0)).rejects.toBeInstanceOf(DiskError);
  await expect(disk.list("/d")).rejects.toBeInstanceOf(DiskError);
});

test("a full disk takes part of a write and room comes back", async () => {
  const disk = new MemoryDisk({ capacityBytes: 1000 });
  const file = await disk.open("/a", "create");
  await file.write([new Uint8Array(900)], 0);
  await expect(file.write([new Uint8Array(200)], 900)).rejects.toMatchObject({ code: "ENOSPC" });
  expect(await file.size()).toBe(1000);
  await file.write([text("over what is there")], 10);
  await file.truncate(900);
  expect(await disk.space("/")).toEqual({ freeBytes: 100, totalBytes: 1000 });
  await disk.remove("/a");
  expect((await disk.space("/")).freeBytes).toBe(1000);
});

test("bits flip, and syncs can lie", async () => {
  const disk = await prepared();
  const file = await disk.open("/d/a", "create");
  await file.write([text("a")], 0);
  await file.sync();
  await disk.syncDirectory("/d");
  disk.flipBit("/d/a", 0, 1);
  expect(await read(disk, "/d/a")).toBe("c");
  disk.syncIsALie = true;
  await file.write([text("b")], 0);
  await file.sync();
  disk.crash();
  expect(await read(next(disk), "/d/a")).toBe("c");
});

test("an old copy of the whole disk takes the place of what is there, durably, and as often as wanted", async () => {
  let disk = await prepared();
  const file = await disk.open("/d/a", "create");
  await file.write([text("old")], 0);
  const photograph = disk.photograph();
  await file.write([text("newer")], 0);
  await disk.open("/d/b", "create");
  disk.kill();
  for (const keep of ["none", "all"] as const) {
    disk = disk.revive(new ManualClock());
    disk.putBack(photograph);
    disk.crash({ keep });
    disk = next(disk);
    expect([await read(disk, "/d/a"), await read(disk, "/d/b")]).toEqual(["old", null]);
    await (await disk.open("/d/a", "write")).write([text("changed")], 0);
    disk.kill();
  }
});
