import { expect, test } from "vitest";
import { fileHeader, NewerFormatError } from "../format/file-header.ts";
import { batchOf, contentOf, Rig, settings } from "../rig.test.kit.ts";

test("a directory keeps its id, and a damaged id is replaced by another", async () => {
  const rig = new Rig();
  let directory = await rig.open();
  const { directoryId } = directory;
  expect(directoryId).toMatch(/^[0-9a-f]{32}$/);
  rig.restart();
  directory = await rig.open();
  expect(directory.directoryId).toBe(directoryId);
  rig.restart();
  rig.disk.flipBit("/data/log/directory.id", 20);
  directory = await rig.open();
  expect(directory.directoryId).not.toBe(directoryId);
});

test.each(["directory.id", "marks.slots", "states.journal", "clean.marker"])(
  "a %s from a newer version is refused by name and left as it is",
  async (name) => {
    const rig = new Rig();
    const directory = await rig.open();
    await rig.run(directory.close({ brokerEpoch: 1 }));
    const path = `/data/log/${name}`;
    const file = await rig.disk.open(path, "write");
    const magic = Buffer.from((await rig.bytesOf(path)).subarray(0, 8)).toString();
    await file.write([fileHeader({ magic, version: 2 })], 0);
    const before = await rig.bytesOf(path);
    await expect(rig.open()).rejects.toThrow(new NewerFormatError(path, 2, 1).message);
    expect(await rig.bytesOf(path)).toEqual(before);
  },
);

test("the clean marker counts once, and not after a log had failed", async () => {
  const rig = new Rig();
  let directory = await rig.open();
  await rig.run(directory.close({ brokerEpoch: 42 }));
  directory = await rig.open();
  expect(directory.cleanShutdown).toEqual({ brokerEpoch: 42 });
  const log = await rig.openLog(directory);
  log.append(batchOf("a"), 0);
  rig.disk.failNext("write", "EIO");
  rig.disk.failNext("write", "EIO");
  await expect(rig.run(log.durable(1))).rejects.toThrow();
  await rig.run(directory.close({ brokerEpoch: 43 }));
  directory = await rig.open();
  expect(directory.cleanShutdown).toBe(null);
});

test("names tells of logs that nobody opened, and they stay", async () => {
  const rig = new Rig();
  let directory = await rig.open();
  for (const name of ["b-1", "a-0"]) {
    const log = await rig.openLog(directory, name);
    log.append(batchOf(name), 0);
    await rig.run(log.durable(1));
  }
  rig.restart();
  directory = await rig.open();
  expect(directory.names()).toEqual(["a-0", "b-1"]);
  await rig.openLog(directory, "a-0");
  await rig.run(directory.close());
  expect((await rig.open()).names()).toEqual(["a-0", "b-1"]);
});

test("a removed log is gone, and one of the same name starts from nothing", async () => {
  const rig = new Rig();
  let directory = await rig.open();
  let log = await rig.openLog(directory);
  for (let at = 0; at < 4; at++) log.append(batchOf("old"), 5);
  await rig.run(log.durable(4));
  await rig.run(directory.removeLog("t-0"));
  expect(directory.names()).toEqual([]);
  log = await rig.openLog(directory);
  expect([log.startOffset, log.endOffset, log.lastEpoch]).toEqual([0, 0, -1]);
  log.append(batchOf("new"), 1);
  await rig.run(log.durable(1));
  rig.restart();
  directory = await rig.open();
  log = await rig.openLog(directory);
  expect([log.endOffset, log.damaged, log.epochAt(0)]).toEqual([1, [], 1]);
});

test("a removal that lost power on its way is finished or never was", async () => {
  for (let n = 1; n < 25; n++) {
    const rig = new Rig(n);
    let directory = await rig.open();
    const log = await rig.openLog(directory);
    log.append(batchOf("old"), 0);
    await rig.run(log.durable(1));
    const before = rig.disk.count();
    rig.disk.fault = (_operation, _path, at) => (at === before + n ? "crash" : undefined);
    const removed = await rig.run(directory.removeLog("t-0")).then(
      () => true,
      () => false,
    );
    rig.restart();
    directory = await rig.open();
    if (removed) expect(directory.names()).toEqual([]);
    const again = await rig.openLog(directory);
    expect([again.damaged, again.recovery.damaged]).toEqual([[], false]);
    if (removed) expect(again.endOffset).toBe(0);
    else expect([0, 1]).toContain(again.endOffset);
  }
});

test("many logs share a few open files", async () => {
  const rig = new Rig(1, { maxOpenFiles: 4, cacheBytes: 0 });
  const open = new Set<string>();
  let most = 0;
  rig.disk.fault = (operation, path) => {
    if (!path.endsWith(".log")) return;
    if (operation === "open") open.add(path);
    if (operation === "close") open.delete(path);
    most = Math.max(most, open.size);
  };
  const directory = await rig.open();
  const logs = await Promise.all(
    Array.from({ length: 40 }, (_, at) => directory.openLog(`t-${at}`, { ...settings, flush: { kind: "os" } }, () => {})),
  );
  for (let round = 0; round < 3; round++) {
    for (const log of logs) log.append(batchOf(`r${round}`), 0);
    await rig.run(Promise.all(logs.map((log) => log.written(round + 1))));
  }
  for (const log of logs) expect((await contentOf(rig, log)).length).toBe(3);
  await rig.run(Promise.all(logs.map((log) => log.flush())));
  expect(most).toBeLessThanOrEqual(4);
  rig.restart();
  const again = await rig.open();
  for (let at = 0; at < 40; at++) expect((await rig.openLog(again, `t-${at}`)).endOffset).toBe(3);
});

test("after a clean stop no file of any log is touched to open it", async () => {
  const rig = new Rig();
  let directory = await rig.open();
  for (let at = 0; at < 10; at++) (await rig.openLog(directory, `t-${at}`)).append(batchOf("a"), 0);
  await rig.run(directory.close({ brokerEpoch: 1 }));
  directory = await rig.open();
  const before = rig.disk.count();
  for (let at = 0; at < 10; at++) expect((await rig.openLog(directory, `t-${at}`)).endOffset).toBe(1);
  expect(rig.disk.count()).toBe(before);
});

test("all logs of a turn share one write of the states and one of the marks", async () => {
  const rig = new Rig();
  const directory = await rig.open();
  const logs = [];
  for (let at = 0; at < 20; at++) logs.push(await rig.openLog(directory, `t-${at}`));
  const writes = new Map<string, number>();
  rig.disk.fault = (operation, path) => {
    if (operation === "write") writes.set(path, (writes.get(path) ?? 0) + 1);
  };
  for (const log of logs) log.append(batchOf("a"), 0);
  await rig.run(Promise.all(logs.map((log) => log.durable(1))));
  expect(writes.get("/data/log/states.journal")).toBe(1);
  expect(writes.get("/data/log/marks.slots")).toBeLessThanOrEqual(3);
});

test("damage in the journal of states opens every log by reading all of it, and says so", async () => {
  const rig = new Rig();
  let directory = await rig.open();
  let log = await rig.openLog(directory);
  for (let at = 0; at < 6; at++) log.append(batchOf("a"), at);
  await rig.run(log.durable(6));
  const content = await contentOf(rig, log);
  await rig.run(directory.close());
  rig.disk.flipBit("/data/log/states.journal", 40);
  directory = await rig.open();
  log = await rig.openLog(directory);
  expect([log.recovery.damaged, log.recovery.scannedBatches, log.damaged]).toEqual([true, 6, []]);
  expect(await contentOf(rig, log)).toEqual(content);
  for (let at = 0; at < 6; at++) expect(log.epochAt(at)).toBe(at);
});
