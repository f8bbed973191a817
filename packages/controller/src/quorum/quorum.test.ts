import { DiskError, memoryHost, type MemoryHost } from "@ottla/host";
import type { Uuid } from "@ottla/protocol";
import { expect, test } from "vitest";
import { NotLeaderError, type Quorum } from "./index.ts";
import { Follower } from "./listener.test.kit.ts";
import { openQuorum } from "./quorum.test.kit.ts";

const directoryId = "0a".repeat(16) as Uuid;
const address = { host: "localhost", port: 9095 };

interface Opened {
  readonly quorum: Quorum;
  readonly state: Follower;
  readonly fatal: Error[];
}

async function machine(): Promise<MemoryHost> {
  const host = memoryHost();
  await host.disk.makeDirectory("/data");
  await host.disk.syncDirectory("/");
  return host;
}

async function open(host: MemoryHost, appliedIndex = 0): Promise<Opened> {
  const state = new Follower(appliedIndex);
  const fatal: Error[] = [];
  const quorum = await host.clock.run(
    openQuorum(host, state, {
      nodeId: 1,
      directoryId,
      address,
      listed: [{ nodeId: 1, address }],
      restored: {
        applied: { index: appliedIndex, term: appliedIndex === 0 ? 0 : 1 },
        installed: false,
        voters: appliedIndex === 0 ? [] : [{ nodeId: 1, directoryId }],
      },
      onFatal: (error) => fatal.push(error),
    }),
  );
  return { quorum, state, fatal };
}

async function leader(host: MemoryHost, appliedIndex = 0): Promise<Opened> {
  const opened = await open(host, appliedIndex);
  opened.quorum.start();
  await host.clock.runUntil(() => opened.state.term !== null, 10_000);
  return opened;
}

async function propose(host: MemoryHost, { quorum, state }: Opened, ...texts: string[]): Promise<void> {
  const index = texts.map((text) => quorum.propose(new TextEncoder().encode(text))).at(-1) ?? 0;
  await host.clock.runUntil(() => state.appliedIndex >= index, 10_000);
}

test("a single voter leads without any time passing, commits what it is told and hands it out in order", async () => {
  const host = await machine();
  const one = await leader(host);
  expect(host.clock.monotonicMs()).toBeLessThan(10);
  expect(one.quorum.status).toEqual({
    ...{ role: "leader", term: 1, leader: 1, firstIndex: 1, lastIndex: 1, commitIndex: 1 },
    voters: [{ nodeId: 1, directoryId }],
    waitingFor: [],
    concerns: [],
  });
  await propose(host, one, "a", "b", "c");
  await propose(host, one, "d");
  expect(one.state.texts).toEqual(["a", "b", "c", "d"]);
  expect(one.state.appliedIndex).toBe(5);
  await host.clock.run(one.quorum.close());
});

test("what was handed out is there after a power failure, in a later term, and is handed out again from where the checkpoint ends", async () => {
  const host = await machine();
  const first = await leader(host);
  await propose(host, first, "a", "b");
  const second = host.restart();
  const again = await leader(second);
  expect(again.state.texts).toEqual(["a", "b"]);
  expect(again.quorum.status).toMatchObject({ term: 2, commitIndex: 4 });
  await propose(second, again, "c");
  const third = second.restart();
  const afterCheckpoint = await leader(third, 3);
  expect(afterCheckpoint.state.texts).toEqual(["c"]);
  expect(afterCheckpoint.quorum.status.term).toBe(3);
  expect(first.state.texts).toEqual(["a", "b"]);
});

test("proposals of one turn share a sync, and so do those that come while one runs", async () => {
  const host = await machine();
  const one = await leader(host);
  host.disk.latencyMs = (operation) => (operation === "sync" ? 2 : 0);
  const before = host.disk.count("sync");
  for (let i = 0; i < 100; i++) one.quorum.propose(new TextEncoder().encode(`first ${i}`));
  await host.clock.advance(1);
  for (let i = 0; i < 100; i++) one.quorum.propose(new TextEncoder().encode(`second ${i}`));
  await host.clock.runUntil(() => one.state.texts.length === 200, 10_000);
  expect(host.disk.count("sync") - before).toBe(2);
});

test("a proposal is refused before leadership is announced, when empty, and after close", async () => {
  const host = await machine();
  const { quorum, state } = await open(host);
  const data = new TextEncoder().encode("a");
  expect(() => quorum.propose(data)).toThrow(NotLeaderError);
  quorum.start();
  expect(() => quorum.propose(data)).toThrow("Cannot append an entry at controller 1: it is not ready to lead");
  await host.clock.runUntil(() => state.term !== null, 10_000);
  expect(quorum.propose(data)).toBe(2);
  expect(() => quorum.propose(new Uint8Array(0))).toThrow(/an empty entry/);
  await host.clock.run(quorum.close());
  expect(() => quorum.propose(data)).toThrow(NotLeaderError);
  await expect(quorum.readIndex(AbortSignal.abort())).rejects.toThrow(NotLeaderError);
});

test("more than 64 MiB waiting for the disk is refused with both numbers, and goes on once some is committed", async () => {
  const host = await machine();
  const one = await leader(host);
  const large = new Uint8Array(16 << 20);
  for (let i = 0; i < 4; i++) one.quorum.propose(large);
  expect(() => one.quorum.propose(large)).toThrow(/67108864 bytes are waiting to be committed, at most 67108864 may/);
  await host.clock.runUntil(() => one.state.appliedIndex === 5, 10_000);
  expect(one.quorum.propose(large)).toBe(6);
});

test("a read is answered with everything committed before it, and gives up when its signal says so", async () => {
  const host = await machine();
  const one = await leader(host);
  await propose(host, one, "a");
  expect(await host.clock.run(one.quorum.readIndex(new AbortController().signal))).toBe(2);
  await expect(one.quorum.readIndex(AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late");
});

test("the listener may propose from within a call", async () => {
  const host = await machine();
  const one = await open(host);
  one.state.onLeading = () => one.quorum.propose(new TextEncoder().encode("founded"));
  one.quorum.start();
  await host.clock.runUntil(() => one.state.texts.length === 1, 10_000);
  expect(one.state.texts).toEqual(["founded"]);
});

test("trimming drops what a checkpoint covers, keeps the last entry, and survives a restart", async () => {
  const host = await machine();
  const one = await leader(host);
  await propose(host, one, "a", "b", "c", "d");
  await host.clock.run(one.quorum.trim(4));
  expect(one.quorum.status).toMatchObject({ firstIndex: 4, lastIndex: 5 });
  await host.clock.run(one.quorum.trim(100));
  expect(one.quorum.status).toMatchObject({ firstIndex: 5, lastIndex: 5 });
  await propose(host, one, "e");
  const next = host.restart();
  const again = await leader(next, 5);
  expect(again.state.texts).toEqual(["e"]);
  expect(again.quorum.status.firstIndex).toBe(5);
});

test("a log that lost what was applied, and one without its vote, are refused by name", async () => {
  const host = await machine();
  const one = await leader(host);
  await propose(host, one, "a");
  await host.clock.run(one.quorum.close());
  await expect(open(host, 9)).rejects.toThrow(
    /\/data\/controller\/raft\/entries holds entries 1 to 2, but the checkpoint holds everything up to 9/,
  );
  await host.disk.remove("/data/controller/vote");
  await expect(open(host)).rejects.toThrow(/\/data\/controller\/vote is missing, although its log goes up to entry 2/);
});

test("damage of an entry that was promised is refused, naming file and entries", async () => {
  const host = await machine();
  const one = await leader(host);
  await propose(host, one, "a", "b", "c");
  await host.clock.run(one.quorum.close());
  const next = host.restart();
  const file = `/data/controller/raft/entries/${"0".repeat(20)}.log`;
  const size = await (await next.disk.open(file, "read")).size();
  next.disk.flipBit(file, size - 100);
  await expect(open(next)).rejects.toThrow(/entries 3 to 3 of its log are damaged in \/data\/controller\/raft\/entries\/0{20}\.log/);
});

test("a failed sync is fatal: nothing is handed out or taken any more", async () => {
  const host = await machine();
  const one = await leader(host);
  host.disk.failNext("sync", "EIO");
  one.quorum.propose(new TextEncoder().encode("lost"));
  await host.clock.runUntil(() => one.fatal.length > 0, 10_000);
  await host.clock.advance(100);
  expect(one.state.texts).toEqual([]);
  expect(() => one.quorum.propose(new TextEncoder().encode("b"))).toThrow(NotLeaderError);
  await host.clock.run(one.quorum.close());
});

test("a full disk is said to whoever proposes; what was proposed before is written once there is space", async () => {
  const host = await machine();
  const one = await leader(host);
  await propose(host, one, "a");
  let full = true;
  host.disk.fault = (operation, path) =>
    full && operation === "write" && path.endsWith(".log") ? new DiskError("write", path, "ENOSPC") : undefined;
  one.quorum.propose(new TextEncoder().encode("b"));
  one.quorum.propose(new TextEncoder().encode("c"));
  await host.clock.advance(2000);
  expect(one.state.texts).toEqual(["a"]);
  expect(() => one.quorum.propose(new TextEncoder().encode("d"))).toThrow(/entries.*ENOSPC/);
  full = false;
  await host.clock.runUntil(() => one.state.texts.length === 3, 10_000);
  await propose(host, one, "e");
  expect(one.state.texts).toEqual(["a", "b", "c", "e"]);
  expect(one.fatal).toEqual([]);
  const again = await leader(host.restart());
  expect(again.state.texts).toEqual(["a", "b", "c", "e"]);
});

test("metrics say where the log is", async () => {
  const host = await machine();
  const one = await leader(host);
  await propose(host, one, "a");
  const samples = new Map(one.quorum.samples().map((metric) => [metric.name, metric]));
  expect(samples.get("kafka_server_raft_metrics_current_leader")).toMatchObject({ values: [{ value: 1 }] });
  expect(samples.get("kafka_server_raft_metrics_high_watermark")).toMatchObject({ values: [{ value: 2 }] });
});
