import { ProtocolError, readBatchHeader, setBaseOffset, setLeaderEpoch } from "@ottla/protocol";
import { expect, test } from "vitest";
import { batchOf, contentOf, Rig } from "./rig.test.kit.ts";

function batchAt(offset: number, epoch: number, label = "x", count = 1): Uint8Array {
  const batch = batchOf(label, count);
  setBaseOffset(batch, offset);
  setLeaderEpoch(batch, epoch);
  return batch;
}

test("P5: a replicated batch keeps its offset, its epoch and its bytes", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  const sent = [batchAt(0, 2, "a", 3), batchAt(3, 2, "b"), batchAt(4, 5, "c", 2)];
  const before = sent.map((batch) => Buffer.from(batch).toString("latin1"));
  for (const batch of sent) log.replicate(batch, readBatchHeader(batch));
  await rig.run(log.durable(6));
  expect(await contentOf(rig, log)).toEqual(before.map((bytes, at) => [[0, 3, 4][at], bytes]));
  expect([log.epochStart(2), log.epochStart(5), log.lastBatchEpoch]).toEqual([0, 4, 5]);
});

test.each([
  ["one that leaves a gap", (): Uint8Array => batchAt(3, 4)],
  ["one that was there before", (): Uint8Array => batchAt(1, 4)],
  ["one of an older epoch", (): Uint8Array => batchAt(2, 3)],
  [
    "one whose bytes changed",
    (): Uint8Array => {
      const batch = batchAt(2, 4);
      batch.fill(0x55, batch.length - 1);
      return batch;
    },
  ],
])("%s is refused and changes nothing", async (_what, make) => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  const first = batchAt(0, 4, "a", 2);
  log.replicate(first, readBatchHeader(first));
  const batch = make();
  expect(() => log.replicate(batch, readBatchHeader(batch))).toThrow(ProtocolError);
  expect(log.endOffset).toBe(2);
});

test("P12: an epoch that was begun and never written in gives way to the batches of the present leader, which may be older", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  log.append(batchOf("a"), 4);
  await rig.run(log.recordEpochStart(6));
  const batch = batchAt(1, 4);
  log.replicate(batch, readBatchHeader(batch));
  await rig.run(log.durable(2));
  expect([log.lastEpoch, log.epochStart(6)]).toEqual([4, null]);
  rig.restart();
  const again = await rig.openLog(await rig.open());
  expect([again.endOffset, again.lastEpoch, again.recovery.damaged]).toEqual([2, 4, false]);
});

test("what was appended of late is read without waiting, what is not in memory is not", async () => {
  const rig = new Rig(1, { cacheBytes: 600 });
  const log = await rig.openLog(await rig.open());
  for (let at = 0; at < 10; at++) log.append(batchOf(`${at}`), 0);
  await rig.run(log.durable(10));
  expect(log.recent({ from: 0, until: 10, maxBytes: 1 << 20 })).toBe(null);
  expect(log.recent({ from: 9, until: 10, maxBytes: 1 })?.nextOffset).toBe(10);
  expect(log.recent({ from: 10, until: 10, maxBytes: 1 })?.parts).toEqual([]);
});

test("a log that begins anew keeps nothing, and takes batches from there on", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  for (let at = 0; at < 4; at++) log.append(batchOf(`${at}`), at);
  await rig.run(log.resetTo(100));
  expect([log.startOffset, log.endOffset, log.durableOffset, log.lastEpoch, log.sizeBytes]).toEqual([100, 100, 100, -1, 0]);
  const batch = batchAt(100, 1, "new");
  log.replicate(batch, readBatchHeader(batch));
  await rig.run(log.durable(101));
  const content = await contentOf(rig, log);
  rig.restart();
  const again = await rig.openLog(await rig.open());
  expect([again.startOffset, again.endOffset]).toEqual([100, 101]);
  expect(await contentOf(rig, again)).toEqual(content);
});
