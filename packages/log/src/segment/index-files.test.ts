import { expect, test } from "vitest";
import { batchOf, contentOf, Rig } from "../rig.test.kit.ts";
import type { LogSettings } from "../settings.ts";

const small: Partial<LogSettings> = { segmentBytes: 2_000, indexIntervalBytes: 100 };
const index = "/data/log/t-0/00000000000000000000.index";
const timeIndex = "/data/log/t-0/00000000000000000000.timeindex";

/** Twenty batches in a first, full segment and more behind, closed in order. */
async function closed(rig: Rig): Promise<[number, string][]> {
  const directory = await rig.open();
  const log = await rig.openLog(directory, "t-0", small);
  for (let at = 0; at < 30; at++) log.append(batchOf(`b${at}`, 2, { timestamp: at * 10 }), 0);
  await rig.run(log.durable(60));
  const content = await contentOf(rig, log);
  await rig.run(directory.close({ brokerEpoch: 1 }));
  return content;
}

test.each([index, timeIndex])("whatever is flipped in %s, reads are right and the index is made anew", async (path) => {
  const first = new Rig();
  const content = await closed(first);
  const size = (await first.bytesOf(path)).length;
  for (let at = 0; at < size; at += 3) {
    // The version is for a newer Ottla, and its own CRC guards it.
    const rig = new Rig();
    await closed(rig);
    rig.disk.flipBit(path, at, at % 8);
    const log = await rig.openLog(await rig.open(), "t-0", small);
    for (const [offset] of content.slice(5, 9))
      expect(await contentOf(rig, log, offset)).toEqual(content.filter(([other]) => other >= offset));
    expect((await rig.run(log.offsetForTimestamp(75, 60)))?.header.baseOffset).toBe(16);
    expect(rig.told.filter(({ message }) => message.includes("index is missing or damaged")).length, `byte ${at}`).toBe(1);
    expect(log.damaged).toEqual([]);
  }
});

test("an index is read, not made, when it is whole", async () => {
  const rig = new Rig();
  const content = await closed(rig);
  const log = await rig.openLog(await rig.open(), "t-0", small);
  expect(await contentOf(rig, log, 20)).toEqual(content.slice(10));
  expect(rig.told.filter(({ message }) => message.includes("index"))).toEqual([]);
});

test("an index that belongs to another segment is not believed", async () => {
  const rig = new Rig();
  const content = await closed(rig);
  const other = (await rig.disk.list("/data/log/t-0")).filter((name) => name.endsWith(".index") || name.endsWith(".timeindex"));
  for (const name of other.filter((one) => !one.startsWith("00000000000000000000.")))
    await rig.disk.rename(`/data/log/t-0/${name}`, `/data/log/t-0/00000000000000000000${name.slice(20)}`);
  const log = await rig.openLog(await rig.open(), "t-0", small);
  expect(await contentOf(rig, log, 20)).toEqual(content.slice(10));
  expect(log.damaged).toEqual([]);
});
