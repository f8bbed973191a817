import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeHost, silentLogger } from "@ottla/host";
import { expect, onTestFinished, test } from "vitest";
import { LogDirectory } from "../directory/log-directory.ts";
import { batchOf, contentOf, Rig, settings } from "../rig.test.kit.ts";

/** Counts operations on segment files. */
function counted(rig: Rig): Map<string, number> {
  const counts = new Map<string, number>();
  rig.disk.fault = (operation, path) => {
    if (path.endsWith(".log")) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  };
  return counts;
}

test("what is appended in a turn becomes one write and one sync", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  const counts = counted(rig);
  for (let at = 0; at < 50; at++) log.append(batchOf("a"), 0);
  expect(log.pendingBytes).toBeGreaterThan(50 * 61);
  await rig.run(log.durable(50));
  expect([counts.get("write"), counts.get("sync"), log.pendingBytes]).toEqual([1, 1, 0]);
});

test("everybody who comes while a sync runs shares the next one, and small writes wait for it", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  log.append(batchOf("a"), 0);
  await rig.run(log.durable(1));
  const counts = counted(rig);
  rig.disk.latencyMs = (operation) => (operation === "sync" ? 20 : 0);
  log.append(batchOf("b"), 0);
  for (let at = 0; at < 10; at++) {
    await rig.host.clock.advance(1);
    log.append(batchOf("c"), 0);
  }
  await rig.host.clock.advance(1);
  expect([counts.get("write"), counts.get("sync"), log.writtenOffset, log.durableOffset]).toEqual([1, 1, 2, 1]);
  await rig.run(log.durable(12));
  expect([counts.get("write"), counts.get("sync")]).toEqual([2, 2]);
});

test("a large backlog is written while a sync runs", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  rig.disk.latencyMs = (operation) => (operation === "sync" ? 1_000 : 0);
  log.append(batchOf("a"), 0);
  await rig.run(log.written(1));
  log.append(batchOf("b", 1, { valueBytes: 300_000 }), 0);
  await rig.run(log.written(2));
  expect([log.writtenOffset, log.durableOffset]).toEqual([2, 0]);
});

test("under os nothing is synced until asked, under interval soon after, under commit at once", async () => {
  for (const [flush, afterMs] of [
    [{ kind: "os" }, Infinity],
    [{ kind: "interval", ms: 500 }, 500],
    [{ kind: "commit" }, 0],
  ] as const) {
    const rig = new Rig();
    const log = await rig.openLog(await rig.open(), "t-0", { flush });
    log.append(batchOf("a"), 0);
    await rig.run(log.written(1));
    await rig.host.clock.advance(400);
    expect(log.durableOffset).toBe(afterMs > 400 ? 0 : 1);
    await rig.host.clock.advance(200);
    expect(log.durableOffset).toBe(afterMs > 600 ? 0 : 1);
    await rig.run(log.flush());
    expect(log.durableOffset).toBe(1);
  }
});

test("progress is told at most once a turn, and only when there is some", async () => {
  const rig = new Rig();
  const directory = await rig.open();
  const told: [number, number][] = [];
  const log = await rig.run(
    directory.openLog("t-0", settings, ({ writtenOffset, durableOffset }) => told.push([writtenOffset, durableOffset])),
  );
  for (let at = 0; at < 20; at++) log.append(batchOf("a"), 0);
  await rig.run(log.durable(20));
  await rig.host.clock.advance(1_000);
  expect(told).toEqual([
    [20, 0],
    [20, 20],
  ]);
});

test("epochs tell where they began and where they end, with a leader's own that has no batch yet", async () => {
  const rig = new Rig();
  let log = await rig.openLog(await rig.open());
  log.append(batchOf("a", 3), 1);
  log.append(batchOf("b", 2), 4);
  await rig.run(log.recordEpochStart(7));
  const seen = (): unknown => ({
    ends: [0, 1, 3, 4, 6, 7, 8].map((epoch) => log.epochEnd(epoch)),
    starts: [1, 4, 5, 7].map((epoch) => log.epochStart(epoch)),
    at: [0, 2, 3, 4, 5].map((offset) => log.epochAt(offset)),
    last: log.lastEpoch,
  });
  const expected = {
    ends: [
      { epoch: 0, endOffset: 0 },
      { epoch: 1, endOffset: 3 },
      { epoch: 1, endOffset: 3 },
      { epoch: 4, endOffset: 5 },
      { epoch: 4, endOffset: 5 },
      { epoch: 7, endOffset: 5 },
      { epoch: -1, endOffset: -1 },
    ],
    starts: [0, 3, null, 5],
    at: [1, 1, 4, 4, 7],
    last: 7,
  };
  expect(seen()).toEqual(expected);
  await rig.run(log.durable(5));
  rig.restart();
  log = await rig.openLog(await rig.open());
  expect(seen()).toEqual(expected);
  await rig.run(log.truncateTo(4));
  expect([log.endOffset, log.lastEpoch]).toEqual([3, 1]);
});

test("headers come in order across segments", async () => {
  const rig = new Rig(1, { cacheBytes: 0 });
  const log = await rig.openLog(await rig.open(), "t-0", { segmentBytes: 400 });
  for (let at = 0; at < 30; at++) log.append(batchOf("a", 2), 0);
  await rig.run(log.durable(60));
  const offsets: number[] = [];
  const iterated = (async (): Promise<void> => {
    for await (const { baseOffset } of log.headers(11)) offsets.push(baseOffset);
  })();
  await rig.run(iterated);
  expect(offsets).toEqual(Array.from({ length: 25 }, (_, at) => 10 + at * 2));
});

test("a small part of a large frame does not keep the frame in memory", async () => {
  const rig = new Rig();
  const directory = await rig.open();
  const log = await rig.openLog(directory);
  const batch = batchOf("a");
  const frame = new Uint8Array(1 << 20);
  frame.set(batch, 1_000);
  log.append(frame.subarray(1_000, 1_000 + batch.length), 0);
  await rig.run(log.durable(1));
  const { parts } = await rig.run(log.read({ from: 0, until: 1, maxBytes: 1 }));
  expect(parts[0]?.buffer.byteLength).toBeLessThan(frame.length);
});

test("the real disk keeps a log across opens", async () => {
  const { disk, clock, random } = nodeHost();
  const root = await mkdtemp(join(tmpdir(), "ottla-log-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const open = (): Promise<LogDirectory> =>
    LogDirectory.open({
      disk,
      clock,
      random,
      directory: join(root, "log"),
      cacheBytes: 0,
      maxOpenFiles: 3,
      minFreeBytes: -1,
      logger: silentLogger,
      onFatal: (error) => expect(error).toBe(null),
    });
  const real = { run: <T>(promise: Promise<T>): Promise<T> => promise };
  const small = { ...settings, segmentBytes: 20_000 };
  let directory = await open();
  let log = await directory.openLog("a-0", small, () => {});
  for (let at = 0; at < 100; at++) log.append(batchOf(`r${at}`, 3, { valueBytes: 500 }), Math.floor(at / 7));
  await log.durable(300);
  await log.truncateTo(270);
  await log.deleteRecordsTo(120);
  const before = await contentOf(real, log);
  // As after a kill: opened again without having been closed.
  directory = await open();
  log = await directory.openLog("a-0", small, () => {});
  expect(await contentOf(real, log)).toEqual(before);
  await directory.close({ brokerEpoch: 3 });
  directory = await open();
  expect(directory.cleanShutdown).toEqual({ brokerEpoch: 3 });
  log = await directory.openLog("a-0", small, () => {});
  expect([log.startOffset, log.endOffset, log.damaged]).toEqual([120, 270, []]);
  expect(await contentOf(real, log)).toEqual(before);
  await directory.removeLog("a-0");
  await directory.close();
});
