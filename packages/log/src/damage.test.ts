import { expect, test } from "vitest";
import { LogDamagedError } from "./errors.ts";
import type { Log } from "./log/log.ts";
import { batchOf, contentOf, Rig } from "./rig.test.kit.ts";

const file = "/data/log/t-0/00000000000000000000.log";

/** Three batches of one record each, durable, then the power fails or the log is closed in order. */
async function threeBatches(rig: Rig, clean = false): Promise<[number, string][]> {
  const directory = await rig.open();
  const log = await rig.openLog(directory);
  for (let at = 0; at < 3; at++) log.append(batchOf("v"), 1);
  await rig.run(log.durable(3));
  const content = await contentOf(rig, log);
  if (clean) await rig.run(directory.close({ brokerEpoch: 1 }));
  else rig.restart("all");
  return content;
}

async function serves(rig: Rig, log: Log, offset: number): Promise<string> {
  try {
    const { parts } = await rig.run(log.read({ from: offset, until: offset + 1, maxBytes: 1 }));
    return Buffer.concat(parts).toString("latin1");
  } catch (error) {
    if (error instanceof LogDamagedError) return "damaged";
    throw error;
  }
}

test("any flipped bit below the mark is damage: the batch is not served, the others are", async () => {
  const size = await (async () => {
    const rig = new Rig();
    await threeBatches(rig);
    return (await rig.bytesOf(file)).length;
  })();
  for (let bit = 0; bit < size * 8; bit++) {
    const rig = new Rig();
    const content = await threeBatches(rig);
    const damagedOffset = Math.floor(bit / 8 / (size / 3));
    rig.disk.flipBit(file, Math.floor(bit / 8), bit % 8);
    const log = await rig.openLog(await rig.open());
    expect(log.damaged, `bit ${bit}`).toEqual([{ from: damagedOffset, until: damagedOffset + 1, file }]);
    expect([log.recovery.damaged, log.endOffset]).toEqual([true, 3]);
    for (const [offset, bytes] of content)
      expect(await serves(rig, log, offset), `offset ${offset} with bit ${bit} flipped`).toBe(offset === damagedOffset ? "damaged" : bytes);
  }
});

test("a bit that flipped while the node was stopped in order is found before its batch is served", async () => {
  for (let bit = 0; bit < 69 * 3 * 8; bit += 5) {
    const rig = new Rig();
    const content = await threeBatches(rig, true);
    rig.disk.flipBit(file, Math.floor(bit / 8), bit % 8);
    const log = await rig.openLog(await rig.open());
    const damagedOffset = Math.floor(bit / 8 / 69);
    for (const [offset, bytes] of content)
      expect(await serves(rig, log, offset), `offset ${offset} with bit ${bit} flipped`).toBe(offset === damagedOffset ? "damaged" : bytes);
    expect(log.damaged).toEqual([{ from: damagedOffset, until: damagedOffset + 1, file }]);
    expect(await rig.bytesOf(`${file}.damaged`)).toEqual(await rig.bytesOf(file));
  }
});

test("a file that lost bytes in its middle serves every batch that it still holds", async () => {
  const rig = new Rig();
  const content = await threeBatches(rig, true);
  const bytes = await rig.bytesOf(file);
  const writer = await rig.disk.open(file, "write");
  await writer.truncate(0);
  await writer.write([bytes.subarray(0, 30), bytes.subarray(40)], 0);
  await writer.close();
  const log = await rig.openLog(await rig.open());
  const served: string[] = [];
  for (const [offset] of content) served.push(await serves(rig, log, offset));
  expect(served).toEqual(["damaged", content[1]?.[1], content[2]?.[1]]);
});

test("damage keeps a copy of the file, its offsets stay taken, and appends go on behind it", async () => {
  const rig = new Rig();
  await threeBatches(rig);
  rig.disk.flipBit(file, 69 * 2 + 65, 3);
  const damagedBytes = await rig.bytesOf(file);
  let log = await rig.openLog(await rig.open());
  expect(await rig.bytesOf(`${file}.damaged`)).toEqual(damagedBytes);
  expect(log.append(batchOf("later"), 2)).toEqual({ baseOffset: 3, lastOffset: 3 });
  await rig.run(log.durable(4));
  rig.restart("all");
  log = await rig.openLog(await rig.open());
  expect(log.damaged).toEqual([{ from: 2, until: 3, file }]);
  expect(await serves(rig, log, 2)).toBe("damaged");
  expect(await serves(rig, log, 3)).toContain("later");
});

test("a segment that is gone is damage of all its offsets", async () => {
  const rig = new Rig();
  const directory = await rig.open();
  let log = await rig.openLog(directory, "t-0", { segmentBytes: 100 });
  for (let at = 0; at < 4; at++) log.append(batchOf("v"), 0);
  await rig.run(log.durable(4));
  rig.restart("all");
  await rig.disk.remove("/data/log/t-0/00000000000000000002.log");
  await rig.disk.remove("/data/log/t-0/00000000000000000003.log");
  log = await rig.openLog(await rig.open());
  expect(log.damaged.map(({ from, until }) => [from, until])).toEqual([
    [2, 3],
    [3, 4],
  ]);
  expect([log.startOffset, log.endOffset]).toEqual([0, 4]);
  expect(await serves(rig, log, 1)).not.toBe("damaged");
  expect(await serves(rig, log, 3)).toBe("damaged");
});

test("a file cut short below the mark is damage", async () => {
  for (const size of [0, 1, 68, 69, 100, 137, 138, 206]) {
    const rig = new Rig();
    await threeBatches(rig);
    const open = await rig.disk.open(file, "write");
    await open.truncate(size);
    const log = await rig.openLog(await rig.open());
    expect(log.damaged, `${size} bytes`).toEqual([{ from: Math.floor(size / 69), until: 3, file }]);
    expect(log.endOffset).toBe(3);
  }
});

test("accepting the loss turns damage into a gap that reads step over, and tells what is lost", async () => {
  const rig = new Rig();
  const content = await threeBatches(rig);
  rig.disk.flipBit(file, 69 + 62);
  let log = await rig.openLog(await rig.open());
  expect(await rig.run(log.acceptLoss())).toEqual([{ from: 1, until: 2, file }]);
  expect(await rig.run(log.acceptLoss())).toEqual([]);
  rig.restart("all");
  log = await rig.openLog(await rig.open());
  expect(log.recovery.damaged).toBe(false);
  expect(log.damaged).toEqual([]);
  expect(await contentOf(rig, log)).toEqual([content[0], content[2]]);
  expect((await rig.run(log.read({ from: 1, until: 3, maxBytes: 1 }))).nextOffset).toBe(3);
});
