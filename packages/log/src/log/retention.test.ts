import { expect, test } from "vitest";
import { batchOf, contentOf, Rig } from "../rig.test.kit.ts";

const day = 86_400_000;

test("segments older than the retention time go, oldest first, up to what may go, and the newest when it is old too", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open(), "t-0", { segmentBytes: 150, retentionMs: 2 * day });
  for (let at = 0; at < 6; at++) log.append(batchOf(`d${at}`, 1, { timestamp: at * day, valueBytes: 60 }), 0);
  await rig.run(log.durable(6));
  expect(await rig.run(log.applyRetention(4 * day, 1))).toEqual({ deletedSegments: 1 });
  expect(log.startOffset).toBe(1);
  expect(await rig.run(log.applyRetention(4 * day, 6))).toEqual({ deletedSegments: 1 });
  expect(log.startOffset).toBe(2);
  expect(await rig.run(log.applyRetention(100 * day, 5))).toEqual({ deletedSegments: 3 });
  expect(await rig.run(log.applyRetention(100 * day, 6))).toEqual({ deletedSegments: 1 });
  expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([6, 6, 0]);
  expect(log.append(batchOf("next"), 0).baseOffset).toBe(6);
});

test("segments beyond the retention size go, but never the active one", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open(), "t-0", { segmentBytes: 150, retentionBytes: 300 });
  for (let at = 0; at < 6; at++) log.append(batchOf(`d${at}`, 1, { valueBytes: 60 }), 0);
  await rig.run(log.durable(6));
  await rig.run(log.applyRetention(0, 6));
  expect([log.startOffset, log.sizeBytes > 300 && log.sizeBytes < 450]).toEqual([4 - 1, true]);
  log.configure({ ...tiny, retentionBytes: 0 });
  await rig.run(log.applyRetention(0, 6));
  expect([log.startOffset, log.endOffset]).toEqual([5, 6]);
});

const tiny = {
  segmentBytes: 150,
  segmentMs: 7 * day,
  indexIntervalBytes: 100,
  retentionMs: -1,
  retentionBytes: -1,
  flush: { kind: "commit" },
} as const;

test("a reader goes on in a segment that retention deletes under it", async () => {
  const rig = new Rig(1, { cacheBytes: 0 });
  const log = await rig.openLog(await rig.open(), "t-0", { ...tiny, retentionBytes: 0 });
  for (let at = 0; at < 3; at++) log.append(batchOf(`d${at}`, 1, { valueBytes: 60 }), 0);
  await rig.run(log.durable(3));
  rig.disk.latencyMs = (operation) => (operation === "read" ? 50 : 0);
  const reading = log.read({ from: 0, until: 3, maxBytes: 1 });
  const deleting = log.applyRetention(0, 3);
  await rig.run(deleting);
  await expect(rig.run(reading)).rejects.toThrow("it holds offsets 2 to 2");
  rig.disk.latencyMs = 0;
  expect((await contentOf(rig, log)).map(([offset]) => offset)).toEqual([2]);
});

test("a segment ends by its size and by its age on the wall clock", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open(), "t-0", { ...tiny, segmentBytes: 1_000, segmentMs: 1_000 });
  const bases = async (): Promise<string[]> => (await rig.disk.list(log.directory)).filter((name) => name.endsWith(".log"));
  log.append(batchOf("a", 1, { timestamp: 5 * day }), 0);
  log.append(batchOf("b", 1, { timestamp: 1 }), 0);
  await rig.run(log.durable(2));
  expect((await bases()).length).toBe(1);
  await rig.host.clock.advance(1_001);
  log.append(batchOf("c"), 0);
  await rig.run(log.durable(3));
  expect(await bases()).toEqual(["00000000000000000000.log", "00000000000000000002.log"]);
  log.append(batchOf("d", 1, { valueBytes: 950 }), 0);
  await rig.run(log.durable(4));
  expect(await bases()).toEqual(["00000000000000000000.log", "00000000000000000002.log", "00000000000000000003.log"]);
});

test("records above the end cannot be deleted", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  await expect(rig.run(log.deleteRecordsTo(1))).rejects.toThrow(/up to offset 1: it ends at 0/);
});
