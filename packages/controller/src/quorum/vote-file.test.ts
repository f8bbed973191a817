import { memoryHost } from "@ottla/host";
import { expect, test } from "vitest";
import { VoteFile } from "./vote-file.ts";

const path = "/data/vote";
const alice = { nodeId: 1, directoryId: "11".repeat(16) };
const bob = { nodeId: 7, directoryId: "7a".repeat(16) };

async function machine(seed: number) {
  const host = memoryHost({ seed });
  await host.disk.makeDirectory("/data");
  await host.disk.syncDirectory("/");
  return host;
}

async function founded() {
  const host = await machine(1);
  return { host, file: await VoteFile.create(host.disk, "/data", path) };
}

async function reopened(host: Awaited<ReturnType<typeof founded>>["host"]) {
  const file = await VoteFile.open(host.disk, path);
  if (file === null) throw new Error("the file is gone");
  return file;
}

test("a new file knows term 0 and no vote, and survives a power failure at once", async () => {
  const { host, file } = await founded();
  expect(file.restored).toEqual({ term: 0, votedFor: null });
  expect((await reopened(host.restart())).restored).toEqual({ term: 0, votedFor: null });
});

test("a saved vote survives a power failure, the newest counts", async () => {
  const { host, file } = await founded();
  await file.save({ term: 1, votedFor: alice });
  await file.save({ term: 2, votedFor: null });
  await file.save({ term: 2 ** 40, votedFor: bob });
  const later = host.restart();
  const next = await reopened(later);
  expect(next.restored).toEqual({ term: 2 ** 40, votedFor: bob });
  await next.save({ term: 2 ** 40 + 1, votedFor: alice });
  expect((await reopened(later)).restored).toEqual({ term: 2 ** 40 + 1, votedFor: alice });
});

test("there is no file until one is made", async () => {
  const host = await machine(1);
  expect(await VoteFile.open(host.disk, path)).toBeNull();
});

test("a write that a power failure tears leaves the vote before it or the new one", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const host = await machine(seed);
    const file = await VoteFile.create(host.disk, "/data", path);
    await file.save({ term: 4, votedFor: alice });
    const start = host.disk.count();
    host.disk.fault = (_operation, _path, n) => (n === start + 1 + (seed % 2) ? "crash" : undefined);
    await expect(file.save({ term: 5, votedFor: bob })).rejects.toThrow();
    const { restored } = await reopened(host.restart());
    expect([4, 5]).toContain(restored.term);
    expect(restored.votedFor).toEqual(restored.term === 4 ? alice : bob);
  }
});

test("damage of one slot leaves the other; damage of both is refused by name", async () => {
  const { host, file } = await founded();
  await file.save({ term: 4, votedFor: alice });
  await file.save({ term: 5, votedFor: bob });
  host.disk.flipBit(path, 14);
  expect((await reopened(host)).restored.term).toBe(4);
  host.disk.flipBit(path, 4096 + 30);
  await expect(VoteFile.open(host.disk, path)).rejects.toThrow(/neither slot of \/data\/vote .* vote twice in one term/);
});
