import { delay, memoryHost, type MemoryHost } from "@ottla/host";
import type { Uuid } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Follower } from "./listener.test.kit.ts";
import { openQuorum } from "./quorum.test.kit.ts";
import { VoteFile } from "./vote-file.ts";

const directoryId = "0b".repeat(16) as Uuid;
const address = { host: "localhost", port: 9095 };
const ENTRIES = 12;

/** A life that founds or returns, proposes what is missing of the script, and closes. */
async function live(host: MemoryHost, state: Follower): Promise<void> {
  let failed: Error | null = null;
  const quorum = await openQuorum(host, state, {
    nodeId: 1,
    directoryId,
    address,
    listed: [{ nodeId: 1, address }],
    onFatal: (error) => (failed ??= error),
  });
  quorum.start();
  const until = async (done: () => boolean): Promise<void> => {
    while (failed === null && !host.crashed && !done()) await delay(host.clock, 1);
  };
  await until(() => state.term !== null);
  while (failed === null && !host.crashed && state.texts.length < ENTRIES) {
    // Three at a time, the next ones while the first are being written.
    for (let i = 0; i < 3 && quorum.status.role === "leader"; i++)
      quorum.propose(new TextEncoder().encode(`entry ${state.texts.length + i}`));
    const wanted = state.texts.length + 2;
    await until(() => state.texts.length >= wanted);
  }
  await quorum.trim(5);
  await quorum.close();
}

async function newMachine(seed: number): Promise<MemoryHost> {
  const host = memoryHost({ seed });
  await host.disk.makeDirectory("/data");
  await host.disk.syncDirectory("/");
  return host;
}

async function operationsOfAFullLife(): Promise<number> {
  const host = await newMachine(1);
  const before = host.disk.count();
  await host.clock.run(live(host, new Follower(0)));
  return host.disk.count() - before;
}

test("power lost at any disk operation: what was handed out is handed out again, in a term above every vote", async () => {
  const operations = await operationsOfAFullLife();
  expect(operations).toBeGreaterThan(40);
  let cuts = 0;
  for (let cut = 1; cut <= operations; cut++) {
    let host = await newMachine(cut);
    const start = host.disk.count();
    host.disk.fault = (_operation, _path, n) => (n === start + cut ? "crash" : undefined);
    const before = new Follower(0);
    await host.clock.run(live(host, before)).catch(() => {});
    if (host.crashed) cuts++;
    const termBefore = before.term ?? 0;

    host = host.restart();
    const vote = await VoteFile.open(host.disk, "/data/controller/vote");
    if (before.appliedIndex > 0) expect(vote?.restored).toEqual({ term: termBefore, votedFor: { nodeId: 1, directoryId } });
    await vote?.close();
    const after = await resumed(host, before);
    expect(after.term ?? 0, `cut at ${cut}`).toBeGreaterThan(termBefore);
    expect(after.texts.slice(0, before.texts.length), `cut at ${cut}`).toEqual(before.texts);
  }
  expect(cuts).toBeGreaterThan(operations / 2);
});

/** Past a trim the log begins later: the checkpoint, here what had been handed out, stands for the rest. */
async function resumed(host: MemoryHost, before: Follower): Promise<Follower> {
  const whole = new Follower(0);
  try {
    await host.clock.run(live(host, whole));
    return whole;
  } catch (error) {
    expect(String(error)).toMatch(/holds entries 5 to \d+, but the checkpoint holds everything up to 0/);
    expect(before.appliedIndex).toBeGreaterThanOrEqual(ENTRIES);
    return before.term === null ? before : Object.assign(new Follower(0), { term: before.term + 1, texts: before.texts });
  }
}
