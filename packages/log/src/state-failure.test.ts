import { DiskError } from "@ottla/host";
import { expect, test } from "vitest";
import { batchOf, Rig } from "./rig.test.kit.ts";

test("a log whose state found no room while a write was under way goes on where it had ended", async () => {
  const rig = new Rig();
  const directory = await rig.open();
  const log = await rig.openLog(directory);
  log.append(batchOf("first"), 0);
  await rig.run(log.durable(1));
  rig.disk.latencyMs = (operation, path) => (operation === "write" && path.endsWith(".log") ? 5 : 0);
  rig.disk.fault = (operation, path) =>
    operation === "write" && path.endsWith("states.journal") ? new DiskError(operation, path, "ENOSPC") : undefined;
  // A new epoch goes into the journal, in the same turn as its first batch into the log.
  log.append(batchOf("refused"), 1);
  await expect(rig.run(log.durable(2))).rejects.toThrow("the disk is full");
  rig.disk.fault = null;
  await rig.run(log.reopen());
  expect(log.endOffset).toBe(1);
  expect(log.append(batchOf("second"), 1)).toEqual({ baseOffset: 1, lastOffset: 1 });
  await rig.run(log.durable(2));

  rig.restart("none");
  const again = await rig.openLog(await rig.open());
  expect(again.damaged).toEqual([]);
  expect(again.endOffset).toBe(2);
});

test.each(["EIO", "ENOSPC"])("a journal whose sync failed with %s is not written again, and the process ends", async (code) => {
  const rig = new Rig();
  const directory = await rig.open();
  const [one, other] = [await rig.openLog(directory, "one-0"), await rig.openLog(directory, "other-0")];
  rig.disk.fault = (operation, path) =>
    operation === "sync" && path.endsWith("states.journal") ? new DiskError(operation, path, code) : undefined;
  one.append(batchOf("a"), 1);
  await expect(rig.run(one.durable(1))).rejects.toThrow();
  rig.disk.fault = null;
  expect(rig.fatal).toHaveLength(1);
  const writes = (): number =>
    rig.disk.operations.filter(({ operation, path }) => operation === "write" && path.endsWith("states.journal")).length;
  const before = writes();
  other.append(batchOf("b"), 1);
  await expect(rig.run(other.recordEpochStart(2))).rejects.toThrow("sync");
  await rig.run(directory.close({ brokerEpoch: 1 }));
  expect(writes()).toBe(before);
});

test("marks whose sync failed are not written again, and the process ends", async () => {
  const rig = new Rig();
  const directory = await rig.open();
  const log = await rig.openLog(directory);
  const doomed = await rig.openLog(directory, "doomed-0");
  for (const one of [log, doomed]) {
    one.append(batchOf("a"), 0);
    await rig.run(one.durable(1));
  }
  rig.disk.fault = (operation, path) =>
    operation === "sync" && path.endsWith("marks.slots") ? new DiskError(operation, path, "EIO") : undefined;
  await expect(rig.run(directory.removeLog("doomed-0"))).rejects.toThrow("sync");
  rig.disk.fault = null;
  log.append(batchOf("b"), 0);
  await expect(rig.run(log.durable(2))).rejects.toThrow("Cannot write the mark");
  expect(rig.fatal).toHaveLength(1);
  const operations = (): number =>
    rig.disk.operations.filter(({ operation, path }) => /^(write|sync)$/.test(operation) && path.endsWith("marks.slots")).length;
  const before = operations();
  await rig.run(directory.close({ brokerEpoch: 1 }));
  expect(operations()).toBe(before);
  expect(await rig.disk.exists("/data/log/clean.marker")).toBe(false);
});
