import { describe, expect, test } from "vitest";
import { batchOf, contentOf, Rig } from "../rig.test.kit.ts";

describe("a log", () => {
  test("serves what was appended, from memory and from the disk, and after a clean restart", async () => {
    const rig = new Rig();
    let directory = await rig.open();
    let log = await rig.openLog(directory);
    for (let at = 0; at < 20; at++) expect(log.append(batchOf(`b${at}`, 3), 0)).toEqual({ baseOffset: at * 3, lastOffset: at * 3 + 2 });
    const before = await contentOf(rig, log);
    expect(before.map(([offset]) => offset)).toEqual(Array.from({ length: 20 }, (_, at) => at * 3));
    await rig.run(log.durable(60));
    expect(log.durableOffset).toBe(60);
    await rig.run(directory.close({ brokerEpoch: 7 }));
    directory = await rig.open();
    expect(directory.cleanShutdown).toEqual({ brokerEpoch: 7 });
    log = await rig.openLog(directory);
    expect([log.startOffset, log.endOffset, log.durableOffset, log.lastEpoch]).toEqual([0, 60, 60, 0]);
    expect(await contentOf(rig, log)).toEqual(before);
    expect(await contentOf(rig, log, 31, 100)).toEqual(before.slice(10));
    await rig.run(directory.close());
  });

  test("keeps what was durable when the power fails", async () => {
    const rig = new Rig();
    let log = await rig.openLog(await rig.open());
    for (let at = 0; at < 5; at++) log.append(batchOf(`b${at}`, 2), 3);
    await rig.run(log.durable(10));
    const before = await contentOf(rig, log);
    rig.restart();
    log = await rig.openLog(await rig.open());
    expect([log.endOffset, log.durableOffset, log.lastEpoch, log.recovery]).toEqual([
      10,
      10,
      3,
      { tornBytes: 0, damaged: false, scannedBatches: 5 },
    ]);
    expect(await contentOf(rig, log)).toEqual(before);
  });
});
