import { DiskError, memoryHost } from "@ottla/host";
import { errors, type Uuid } from "@ottla/protocol";
import { expect, test } from "vitest";
import { type BrokerRig, startBroker } from "./broker.test.kit.ts";
import { batchOf } from "./partition/partition.test.kit.ts";

async function withTopic(rig: BrokerRig): Promise<Uuid> {
  const topicId = rig.controller.createTopic("orders", 1);
  await rig.host.clock.advance(50);
  return topicId;
}

test("a full disk refuses writes and new topics by path and free bytes while reads and deletes go on; all resumes by itself", async () => {
  const host = memoryHost({ capacityBytes: 64 << 20 });
  const rig = await startBroker({ host });
  const topicId = await withTopic(rig);
  const client = rig.client();
  const produce = async (sequence: number) =>
    (await client.produce([{ topicId, partition: 0, records: batchOf(host, { producerId: 1, sequence }) }]))[0];
  expect((await produce(0))?.errorCode).toBe(0);
  const filler = await rig.run(host.disk.open("/filler", "create"));
  await rig.run(filler.write([new Uint8Array((await rig.run(host.disk.space("/"))).freeBytes - 100_000)], 0));
  await host.clock.advance(30_000);
  const refused = await produce(1);
  expect(refused).toMatchObject({ errorCode: errors.KAFKA_STORAGE_ERROR.code, notAppended: true });
  expect(refused?.errorMessage).toMatch(/\d+ bytes are free at \/data\/log, and log.min.free.bytes keeps 8388608/);
  expect(await produce(0)).toMatchObject({ errorCode: 0, baseOffset: 0 });
  const created = await client.call("createTopics", {
    topics: [{ name: "more", partitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    validateOnly: false,
  });
  expect(created.errorCode).toBe(errors.KAFKA_STORAGE_ERROR.code);
  expect(rig.broker.health.reasons).toEqual([expect.stringContaining("writes are refused")]);
  expect((await client.fetch([{ topicId, partition: 0, from: 0 }])).partitions[0]?.records.length).toBeGreaterThan(0);
  const deleted = await client.call("deleteRecords", {
    partitions: [{ topicId: Buffer.from(topicId, "hex"), partition: 0, beforeOffset: -1 }],
  });
  expect(deleted.answer.case === "deleteRecords" && deleted.answer.value.partitions[0]).toMatchObject({ errorCode: 0, logStartOffset: 1 });
  await rig.run(filler.close());
  await rig.run(host.disk.remove("/filler"));
  await host.clock.advance(30_000);
  expect(await produce(1)).toMatchObject({ errorCode: 0, baseOffset: 1 });
  expect(rig.fatal).toEqual([]);
});

test("a log that latched at a failed write reopens by itself, and the resent batch is there once", async () => {
  const rig = await startBroker();
  const topicId = await withTopic(rig);
  const client = rig.client();
  const records = () => batchOf(rig.host, { producerId: 1, sequence: 1 });
  await client.produce([{ topicId, partition: 0, records: batchOf(rig.host, { producerId: 1, sequence: 0 }) }]);
  rig.host.disk.fault = (operation, path) =>
    operation === "write" && path.endsWith(".log") ? new DiskError("write", path, "ENOSPC") : undefined;
  const [failed] = await client.produce([{ topicId, partition: 0, records: records() }]);
  expect(failed).toMatchObject({ errorCode: errors.KAFKA_STORAGE_ERROR.code, notAppended: false });
  const [again] = await client.produce([{ topicId, partition: 0, records: records() }]);
  expect(again).toMatchObject({ errorCode: errors.KAFKA_STORAGE_ERROR.code, notAppended: false });
  expect((await client.fetch([{ topicId, partition: 0, from: 0 }])).partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 });
  rig.host.disk.fault = null;
  await rig.host.clock.advance(10_000);
  expect((await client.produce([{ topicId, partition: 0, records: records() }]))[0]).toMatchObject({ errorCode: 0, baseOffset: 1 });
  expect((await client.fetch([{ topicId, partition: 0, from: 0 }])).partitions[0]?.highWatermark).toBe(2);
});

test("a failed sync ends the broker: nothing is acknowledged after it", async () => {
  const rig = await startBroker();
  const topicId = await withTopic(rig);
  const client = rig.client();
  await client.produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
  rig.host.disk.fault = (operation, path) =>
    operation === "sync" && path.endsWith(".log") ? new DiskError("sync", path, "EIO") : undefined;
  const [failed] = await client.produce([{ topicId, partition: 0, records: batchOf(rig.host) }]);
  expect(failed).toMatchObject({ errorCode: errors.KAFKA_STORAGE_ERROR.code, notAppended: false });
  expect(rig.fatal.length).toBe(1);
  expect(rig.broker.health).toMatchObject({ live: false, ready: false });
  rig.host.disk.fault = null;
  expect((await client.produce([{ topicId, partition: 0, records: batchOf(rig.host) }]))[0]?.errorCode).toBe(
    errors.KAFKA_STORAGE_ERROR.code,
  );
  await rig.run(rig.broker.shutdown());
  const next = await startBroker({ host: rig.host.restart(), controller: rig.controller });
  expect(rig.controller.registrations.at(-1)?.cleanShutdownEpoch).toBe(0);
  expect((await next.client().fetch([{ topicId, partition: 0, from: 0 }])).partitions[0]?.highWatermark).toBeGreaterThanOrEqual(1);
});

test("damage is reported at registration, shown, and refused to readers by file and offsets, while the rest is served", async () => {
  const rig = await startBroker();
  const topicId = await withTopic(rig);
  const client = rig.client();
  for (let i = 0; i < 3; i++)
    await client.produce([{ topicId, partition: 0, records: batchOf(rig.host, { value: `${i}-`.padEnd(400, "x") }) }]);
  const size = batchOf(rig.host, { value: "0-".padEnd(400, "x") }).length;
  rig.host.crash({ keep: "all" });
  const host = rig.host.restart();
  const path = `/data/log/${topicId}-0/00000000000000000000.log`;
  const file = await host.clock.run(host.disk.open(path, "write"));
  const total = await host.clock.run(file.size());
  await host.clock.run(file.write([new Uint8Array([0xff])], total - 2 * size + 100));
  await host.clock.run(file.sync());
  await host.clock.run(file.close());
  const again = await startBroker({ host, controller: rig.controller });
  expect(rig.controller.registrations.at(-1)?.damaged).toMatchObject([{ partition: 0, kind: 1 }]);
  const reader = again.client();
  const dirs = await reader.call("describeLogDirs", { partitions: [] });
  expect(dirs.answer.case === "describeLogDirs" && dirs.answer.value.partitions[0]?.damaged).toEqual([{ from: 1, until: 2 }]);
  const at = async (from: number) => (await reader.fetch([{ topicId, partition: 0, from }])).partitions[0];
  expect(await at(0)).toMatchObject({ errorCode: 0, highWatermark: 3 });
  expect(await at(1)).toMatchObject({ errorCode: errors.KAFKA_STORAGE_ERROR.code, errorMessage: expect.stringContaining(path) });
  expect((await at(2))?.records.length).toBe(size);
  expect((await reader.produce([{ topicId, partition: 0, records: batchOf(again.host) }]))[0]).toMatchObject({
    errorCode: 0,
    baseOffset: 3,
  });
});

test("what lies in the log is rebuilt after a power failure at any moment of a scripted load: nothing acknowledged is lost or doubled", async () => {
  const script = async (rig: BrokerRig, topicId: Uuid, acknowledged: Set<number>): Promise<void> => {
    const client = rig.client();
    for (let i = 0; i < 12; i++) {
      await client.startProduce([{ topicId, partition: 0, records: batchOf(rig.host, { producerId: 5, sequence: i, value: `${i}` }) }]);
      const produced = (
        await client
          .produce([{ topicId, partition: 0, records: batchOf(rig.host, { producerId: 5, sequence: i, value: `${i}` }) }])
          .catch(() => [])
      )[0];
      if (produced?.errorCode === 0) acknowledged.add(produced.baseOffset);
      await client.next("produce").catch(() => undefined);
    }
  };
  let acknowledgedInAll = 0;
  for (let cutAfter = 1; cutAfter < 60; cutAfter += 3) {
    const rig = await startBroker({ host: memoryHost({ seed: cutAfter }) });
    const topicId = await withTopic(rig);
    const acknowledged = new Set<number>();
    const from = rig.host.disk.count();
    rig.host.disk.fault = (_operation, _path, n) => (n >= from + cutAfter ? "crash" : undefined);
    await script(rig, topicId, acknowledged).catch(() => {});
    const again = await startBroker({ host: rig.host.restart(), controller: rig.controller });
    const { partitions } = await again.client().fetch([{ topicId, partition: 0, from: 0 }]);
    const end = partitions[0]?.highWatermark ?? -1;
    acknowledgedInAll += acknowledged.size;
    expect(end).toBeGreaterThanOrEqual(0);
    expect(end).toBeLessThanOrEqual(12);
    for (const offset of acknowledged) expect(offset).toBeLessThan(end);
    const [resent] = await again
      .client()
      .produce([{ topicId, partition: 0, records: batchOf(again.host, { producerId: 5, sequence: end, value: `${end}` }) }]);
    expect(resent).toMatchObject({ errorCode: 0, baseOffset: end });
  }
  expect(acknowledgedInAll).toBeGreaterThan(20);
});
