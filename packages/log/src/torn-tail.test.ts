import { expect, test } from "vitest";
import { batchOf, contentOf, Rig } from "./rig.test.kit.ts";

const file = "/data/log/t-0/00000000000000000000.log";
const size = 70;
const policy = { flush: { kind: "os" } } as const;

/** Two durable batches, then three that only the page cache has. */
async function fiveBatches(rig: Rig): Promise<[number, string][]> {
  const log = await rig.openLog(await rig.open(), "t-0", policy);
  for (const label of ["a1", "a2"]) log.append(batchOf(label), 0);
  await rig.run(log.flush());
  for (const label of ["b1", "b2", "b3"]) log.append(batchOf(label), 0);
  await rig.run(log.written(5));
  const content = await contentOf(rig, log);
  rig.restart("all");
  return content;
}

test("recovery cuts a tail torn at any byte beyond the mark, back to the last whole batch", async () => {
  for (let at = 2 * size; at <= 5 * size; at++) {
    const rig = new Rig();
    const content = await fiveBatches(rig);
    const open = await rig.disk.open(file, "write");
    await open.truncate(at);
    const log = await rig.openLog(await rig.open(), "t-0", policy);
    const whole = Math.floor(at / size);
    expect([log.endOffset, log.durableOffset, log.damaged]).toEqual([whole, whole, []]);
    expect(log.recovery).toEqual({ tornBytes: at % size, damaged: false, scannedBatches: whole });
    expect(await contentOf(rig, log)).toEqual(content.slice(0, whole));
    expect((await rig.bytesOf(file)).length).toBe(whole * size);
  }
});

test("recovery cuts at a batch beyond the mark that any byte of rubbish made unreadable", async () => {
  for (let at = 2 * size; at < 5 * size; at++) {
    const rig = new Rig();
    const content = await fiveBatches(rig);
    rig.disk.flipBit(file, at, at % 8);
    const log = await rig.openLog(await rig.open(), "t-0", policy);
    const whole = Math.floor(at / size);
    // Only a leader epoch that rose looks like one that was written.
    const risen = at % size >= 12 && at % size < 16;
    if (!risen) expect([log.endOffset, log.damaged]).toEqual([whole, []]);
    if (!risen) expect(await contentOf(rig, log)).toEqual(content.slice(0, whole));
    expect(log.damaged).toEqual([]);
  }
});

test("what recovery kept beyond the mark is durable from then on", async () => {
  const rig = new Rig();
  const content = await fiveBatches(rig);
  let log = await rig.openLog(await rig.open(), "t-0", policy);
  expect([log.endOffset, log.durableOffset]).toEqual([5, 5]);
  rig.restart("none");
  log = await rig.openLog(await rig.open(), "t-0", policy);
  expect(await contentOf(rig, log)).toEqual(content);
});

test("without its mark a log recovers from its recovery point", async () => {
  const rig = new Rig();
  const content = await fiveBatches(rig);
  for (let at = 0; at < 16; at++) rig.disk.flipBit("/data/log/marks.slots", at);
  const log = await rig.openLog(await rig.open(), "t-0", policy);
  expect([log.endOffset, log.damaged]).toEqual([5, []]);
  expect(await contentOf(rig, log)).toEqual(content);
});
