import { DiskError } from "@ottla/host";
import { expect, test } from "vitest";
import { LogFailedError } from "./errors.ts";
import { batchOf, contentOf, Rig } from "./rig.test.kit.ts";
import { expectRecovered, Model, openStage, play } from "./script.test.kit.ts";

const changing = new Set(["write", "sync", "truncate", "syncDirectory", "rename", "remove", "makeDirectory", "open"]);

test.each(["EIO", "ENOSPC"])(
  "nothing that was told is lost when any operation fails with %s and the power fails after it",
  async (code) => {
    const operations = await (async () => {
      const rig = new Rig();
      await play(rig, new Model());
      return rig.disk.count();
    })();
    for (let n = 1; n <= operations; n++) {
      for (const keep of ["none", "random"] as const) {
        const rig = new Rig(n);
        const model = new Model();
        rig.disk.fault = (operation, path, at) => (at === n && changing.has(operation) ? new DiskError(operation, path, code) : undefined);
        await play(rig, model).catch(() => undefined);
        rig.restart(keep);
        const stage = await openStage(rig, model);
        await expectRecovered(stage).catch((error: unknown) => {
          throw new Error(`operation ${n} of ${operations}, ${keep} kept`, { cause: error });
        });
      }
    }
  },
);

test("a failed write takes back what it carried, shuts the log to appends, and reads go on", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  log.append(batchOf("kept"), 0);
  await rig.run(log.durable(1));
  const before = await contentOf(rig, log);
  rig.disk.fault = (operation, path) =>
    operation === "write" && path.endsWith(".log") ? new DiskError(operation, path, "EIO") : undefined;
  log.append(batchOf("lost"), 1);
  const waiting = [log.written(2), log.durable(2)].map((promise) => expect(promise).rejects.toThrow(LogFailedError));
  expect(log.endOffset).toBe(2);
  await rig.run(Promise.all(waiting));
  expect([log.endOffset, log.writtenOffset, log.durableOffset, log.pendingBytes, log.lastEpoch]).toEqual([1, 1, 1, 0, 1]);
  expect(() => log.append(batchOf("more"), 1)).toThrow(log.failure?.message ?? "no failure");
  expect(log.failure?.message).toContain("/data/log/t-0");
  expect(await contentOf(rig, log)).toEqual(before);
  expect(rig.fatal).toEqual([]);
});

test("a full disk refuses appends by name and number, and takes them again once there is room", async () => {
  const rig = new Rig(1, { capacityBytes: 100_000 });
  const log = await rig.openLog(await rig.open());
  const filler = await rig.disk.open("/filler", "create");
  log.append(batchOf("a"), 0);
  await rig.run(log.durable(1));
  const { freeBytes } = await rig.disk.space("/data");
  await filler.write([new Uint8Array(freeBytes - 1_000)], 0);
  log.append(batchOf("b", 1, { valueBytes: 5_000 }), 0);
  await expect(rig.run(log.durable(2))).rejects.toThrow(/Cannot append 5\d+ bytes to \/data\/log\/t-0: ENOSPC; \d+ bytes are free/);
  await expect(rig.run(log.reopen())).resolves.toBeUndefined();
  log.append(batchOf("c", 1, { valueBytes: 5_000 }), 0);
  await expect(rig.run(log.durable(2))).rejects.toThrow("ENOSPC");
  await filler.truncate(0);
  await rig.run(log.reopen());
  expect([log.failure, log.endOffset]).toEqual([null, 1]);
  log.append(batchOf("d"), 0);
  await rig.run(log.durable(2));
  const content = await contentOf(rig, log);
  rig.restart();
  expect(await contentOf(rig, await rig.openLog(await rig.open()))).toEqual(content);
});

test("a failed sync is never repeated: the log is shut and the process is told to end", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  log.append(batchOf("a"), 0);
  rig.disk.failNext("sync", "EIO");
  rig.disk.failNext("sync", "EIO");
  await expect(rig.run(log.durable(1))).rejects.toThrow(LogFailedError);
  expect(rig.fatal.length).toBe(1);
  await expect(rig.run(log.reopen())).rejects.toThrow("cannot be repeated");
  expect(log.durableOffset).toBe(0);
});

test("the log that deletions depend on goes on from the reserved file when the disk is full", async () => {
  const rig = new Rig(1, { capacityBytes: 16 << 20, appendsMayUseReserve: true });
  const directory = await rig.open();
  const log = await rig.openLog(directory);
  await rig.host.clock.advance(6_000);
  expect(await rig.disk.exists("/data/log/reserve.space")).toBe(true);
  const filler = await rig.disk.open("/filler", "create");
  await filler.write([new Uint8Array((await rig.disk.space("/data")).freeBytes)], 0);
  log.append(batchOf("a", 1, { valueBytes: 50_000 }), 0);
  await rig.run(log.durable(1));
  expect(log.failure).toBe(null);
  expect(await rig.disk.exists("/data/log/reserve.space")).toBe(false);
  await filler.truncate(0);
  await rig.host.clock.advance(6_000);
  expect(await rig.disk.exists("/data/log/reserve.space")).toBe(true);
});

test("free space below the limit is told while it lasts", async () => {
  const rig = new Rig(1, { capacityBytes: 100 << 20, minFreeBytes: -1 });
  const directory = await rig.open();
  expect(directory.freeSpace).toMatchObject({ limitBytes: 8 << 20, low: false });
  const filler = await rig.disk.open("/filler", "create");
  await filler.write([new Uint8Array(95 << 20)], 0);
  await rig.host.clock.advance(6_000);
  expect(directory.freeSpace.low).toBe(true);
  await filler.truncate(0);
  await rig.host.clock.advance(600);
  expect(directory.freeSpace.low).toBe(false);
});

test("free space that writes use up is noticed by them, long before somebody looks", async () => {
  const rig = new Rig(1, { capacityBytes: 40 << 20, minFreeBytes: -1 });
  const directory = await rig.open();
  const log = await rig.openLog(directory, "t-0", { segmentBytes: 64 << 20 });
  const startedMs = rig.host.clock.monotonicMs();
  for (let offset = 0; !directory.freeSpace.low; offset += 1) {
    log.append(batchOf("a", 1, { valueBytes: 500_000 }), 0);
    await rig.run(log.durable(offset + 1));
  }
  expect((await rig.disk.space("/data")).freeBytes).toBeGreaterThan(4 << 20);
  expect(rig.host.clock.monotonicMs() - startedMs).toBeLessThan(1_000);
});

test("when the process may open no more files, those that nobody uses are closed for the next", async () => {
  const rig = new Rig();
  const directory = await rig.open();
  const idle = await rig.openLog(directory, "idle-0");
  idle.append(batchOf("a"), 0);
  await rig.run(idle.durable(1));
  const log = await rig.openLog(directory, "t-0");
  rig.disk.failNext("open", "EMFILE");
  log.append(batchOf("b"), 0);
  await rig.run(log.durable(1));
  expect([log.failure, idle.failure, rig.fatal]).toEqual([null, null, []]);
  expect(await contentOf(rig, idle)).toHaveLength(1);
});

test("a sync for which nothing can be opened shuts the log, ends nothing, and loses nothing", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  rig.disk.fault = (operation, path) => (operation === "syncDirectory" ? new DiskError(operation, path, "EMFILE") : undefined);
  log.append(batchOf("a"), 0);
  await expect(rig.run(log.durable(1))).rejects.toThrow("no file descriptors left");
  expect(rig.fatal).toEqual([]);
  rig.disk.fault = null;
  await rig.run(log.reopen());
  log.append(batchOf("b"), 0);
  await rig.run(log.durable(log.endOffset));
  expect((await contentOf(rig, log)).at(-1)?.[1]).toContain("b");
});
