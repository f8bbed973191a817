import { expect, test } from "vitest";
import { batchOf, Rig, settings } from "./rig.test.kit.ts";

const os = { ...settings, flush: { kind: "os" } } as const;

test("what was appended under a policy that does not sync is noted before it may count, and survives the power failure that takes it", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open(), "t-0", os);
  expect(log.relaxed).toBe(false);
  log.append(batchOf("v"), 1);
  await rig.run(log.written(1));
  await rig.host.clock.runUntil(() => log.relaxed, 1000);
  rig.restart("none");
  const found = await rig.openLog(await rig.open(), "t-0", settings);
  expect([found.relaxed, found.endOffset]).toEqual([true, 0]);
});

test("under commit again it is forgotten once all of that time is synced, not before", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open(), "t-0", os);
  log.append(batchOf("v"), 1);
  await rig.host.clock.runUntil(() => log.relaxed, 1000);
  rig.disk.latencyMs = (operation) => (operation === "sync" ? 50 : 0);
  log.configure(settings);
  await rig.host.clock.advance(40);
  expect(log.relaxed).toBe(true);
  await rig.host.clock.runUntil(() => !log.relaxed, 1000);
  expect(log.durableOffset).toBe(1);
  await rig.host.clock.advance(200);
  rig.restart("none");
  expect((await rig.openLog(await rig.open())).relaxed).toBe(false);
});

test("a log that only ever synced notes nothing", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open());
  log.append(batchOf("v"), 1);
  await rig.run(log.durable(1));
  expect(log.relaxed).toBe(false);
});

test("what an earlier life noted stays until something of this one is synced", async () => {
  const rig = new Rig();
  const log = await rig.openLog(await rig.open(), "t-0", os);
  log.append(batchOf("v"), 1);
  await rig.host.clock.runUntil(() => log.relaxed, 1000);
  rig.restart("none");
  const second = await rig.openLog(await rig.open());
  second.configure(settings);
  await rig.host.clock.advance(100);
  rig.restart("none");
  const third = await rig.openLog(await rig.open());
  expect(third.relaxed).toBe(true);
  third.append(batchOf("v"), 1);
  await rig.run(third.durable(1));
  expect(third.relaxed).toBe(false);
});
