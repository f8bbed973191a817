import { describe, expect, test } from "vitest";
import type { Log } from "./log/log.ts";
import { batchOf, contentOf, Rig } from "./rig.test.kit.ts";

const gap = { from: 2, until: 5, epochs: [{ epoch: 3, startOffset: 4 }], accepted: false };

/** Two batches, three offsets that nobody has, and `behind` batches. */
async function withGap(rig: Rig, behind: number): Promise<Log> {
  const log = await rig.openLog(await rig.open());
  for (let at = 0; at < 2; at++) log.append(batchOf("v"), 1);
  await rig.run(log.skipTo(gap));
  for (let at = 0; at < behind; at++) log.append(batchOf("w"), 3);
  await rig.run(log.flush());
  return log;
}

async function expectGap(rig: Rig, log: Log, behind: number): Promise<void> {
  expect([log.startOffset, log.endOffset, log.durableOffset]).toEqual([0, 5 + behind, 5 + behind]);
  expect((await contentOf(rig, log, 5)).map(([offset]) => offset)).toEqual(Array.from({ length: behind }, (_, at) => 5 + at));
  expect((await rig.run(log.read({ from: 0, until: 5, maxBytes: 1 << 20 }))).nextOffset).toBe(2);
  await expect(rig.run(log.read({ from: 3, until: log.endOffset, maxBytes: 1 }))).rejects.toThrow("offsets 2 to 4");
  expect([log.damaged, log.unserved.map(({ from, until }) => [from, until])]).toEqual([[], [[2, 5]]]);
  expect(log.gapAt(3)).toEqual({ from: 3, until: 5, epochs: [{ epoch: 3, startOffset: 4 }], accepted: false });
  expect([log.epochEnd(1), log.lastBatchEpoch]).toEqual([{ epoch: 1, endOffset: 4 }, 3]);
}

describe("a log that goes on behind offsets that no replica has", () => {
  test.each([0, 1, 3])("serves what lies before and behind them, also after a power failure, with %i batches behind", async (behind) => {
    const rig = new Rig();
    await expectGap(rig, await withGap(rig, behind), behind);
    rig.restart("none");
    const log = await rig.openLog(await rig.open());
    await expectGap(rig, log, behind);
    expect(log.recovery).toMatchObject({ damaged: false, tornBytes: 0 });
    expect(rig.told.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("is the same after an orderly stop", async () => {
    const rig = new Rig();
    const directory = await rig.open();
    const log = await rig.openLog(directory);
    for (let at = 0; at < 2; at++) log.append(batchOf("v"), 1);
    await rig.run(log.skipTo(gap));
    await rig.run(directory.close({ brokerEpoch: 1 }));
    await expectGap(rig, await rig.openLog(await rig.open()), 0);
  });

  test("ends before them or behind them wherever the power fails", async () => {
    for (let failAt = 0; failAt < 12; failAt++) {
      const rig = new Rig();
      const log = await rig.openLog(await rig.open());
      for (let at = 0; at < 2; at++) log.append(batchOf("v"), 1);
      await rig.run(log.flush());
      let operations = 0;
      rig.disk.fault = () => {
        if (operations++ === failAt) rig.host.crash({ keep: "random" });
      };
      void log.skipTo(gap).catch(() => {});
      await rig.host.clock.advance(100);
      rig.restart("none");
      const found = await rig.openLog(await rig.open());
      expect([2, 5], `operation ${failAt}`).toContain(found.endOffset);
      expect(found.damaged).toEqual([]);
      expect(await contentOf(rig, found, 0).catch(() => "a gap")).toSatisfy((read) => read === "a gap" || (read as unknown[]).length === 2);
    }
  });

  test("may begin with them, and be cut there, before and within them", async () => {
    for (const cut of [0, 1, 3, 5]) {
      const rig = new Rig();
      const log = await rig.openLog(await rig.open());
      await rig.run(log.skipTo({ from: 0, until: 3, epochs: [{ epoch: 1, startOffset: 0 }], accepted: false }));
      for (let at = 0; at < 3; at++) log.append(batchOf("w"), 1);
      await rig.run(log.truncateTo(cut));
      const end = cut >= 3 ? cut : 0;
      expect([log.endOffset, log.unserved.length]).toEqual([end, cut >= 3 ? 1 : 0]);
      rig.restart("none");
      const found = await rig.openLog(await rig.open());
      expect([found.endOffset, found.damaged]).toEqual([end, []]);
    }
  });

  test("steps over them once an operator gave them up", async () => {
    const rig = new Rig();
    const log = await withGap(rig, 2);
    expect(await rig.run(log.acceptLoss())).toMatchObject([{ from: 2, until: 5 }]);
    expect((await contentOf(rig, log)).map(([offset]) => offset)).toEqual([0, 1, 5, 6]);
  });
});

test("damage that no replica can mend counts as lost, and the log as whole, for good", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  for (let at = 0; at < 3; at++) log.append(batchOf("v"), 1);
  await rig.run(log.flush());
  rig.restart("all");
  rig.disk.flipBit("/data/log/t-0/00000000000000000000.log", 100);
  const damaged = await rig.openLog(await rig.open());
  expect(damaged.damaged).toMatchObject([{ from: 1, until: 2 }]);
  await rig.run(damaged.noteLost(1));
  expect([damaged.damaged, damaged.unserved.length]).toEqual([[], 1]);
  rig.restart("none");
  const again = await rig.openLog(await rig.open());
  expect([again.damaged, again.unserved.length, again.recovery.damaged]).toEqual([[], 1, false]);
});
