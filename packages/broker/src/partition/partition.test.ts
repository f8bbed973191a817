import { DiskError, memoryHost } from "@ottla/host";
import { batchCrcMatches, ProtocolError, readBatchHeader } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { batchOf, openRig, recordOf, type Rig, valuesOf } from "./partition.test.kit.ts";

const TIMEOUT = 5000;

function refusal(append: () => unknown): ProtocolError {
  try {
    append();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const produce = (rig: Rig, batch: Uint8Array, acks = -1) => rig.partition.produce(batch, acks, TIMEOUT, rig.host.clock.wallMs());

describe("producing", () => {
  test("a batch gets the next offset and is acknowledged once it is durable", async () => {
    const rig = await openRig();
    const first = produce(rig, batchOf(rig.host, { count: 3 }));
    const second = produce(rig, batchOf(rig.host, { count: 2 }));
    expect([first.baseOffset, second.baseOffset]).toEqual([0, 3]);
    expect(rig.partition.highWatermark).toBe(0);
    expect(await rig.run(Promise.all([first.acknowledged, second.acknowledged]))).toEqual([null, null]);
    expect(rig.partition.highWatermark).toBe(5);
    expect(rig.partition.log.durableOffset).toBe(5);
    const { parts } = await rig.run(rig.partition.read(0, 5, 1 << 20));
    const stored = Buffer.concat(parts);
    expect(readBatchHeader(stored)).toMatchObject({ baseOffset: 0, leaderEpoch: 3, recordCount: 3 });
    expect(batchCrcMatches(stored)).toBe(true);
  });

  test("nothing acknowledged with acks=all or acks=1 is lost when the power fails right after", async () => {
    const rig = await openRig();
    const acknowledged = [-1, 1, -1, 1].map((acks, i) => produce(rig, batchOf(rig.host, { value: `${i}-` }), acks).acknowledged);
    await rig.run(Promise.all(acknowledged));
    const again = await openRig(rig.host.restart());
    expect((await valuesOf(again)).map(({ value }) => value)).toEqual(["0-0", "1-0", "2-0", "3-0"]);
  });

  test("under the policy os a batch is acknowledged without a sync", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "flush.policy": "os" } });
    await rig.run(produce(rig, batchOf(rig.host)).acknowledged);
    expect(rig.partition.highWatermark).toBe(1);
    expect(rig.partition.log.durableOffset).toBe(0);
  });

  test("going from os to commit, later batches wait for the disk and the high watermark does not fall", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "flush.policy": "os" } });
    await rig.run(produce(rig, batchOf(rig.host)).acknowledged);
    rig.partition.configure("orders", { ...rig.partition.settings, flushPolicy: { kind: "commit" } }, rig.partition.traffic);
    expect(rig.partition.highWatermark).toBe(1);
    await rig.run(produce(rig, batchOf(rig.host)).acknowledged);
    expect(rig.partition.log.durableOffset).toBe(2);
  });

  test("whoever does not lead refuses, and says so", async () => {
    const rig = await openRig();
    const appended = produce(rig, batchOf(rig.host));
    rig.partition.resign();
    expect((await appended.acknowledged)?.error).toBe("NOT_LEADER_OR_FOLLOWER");
    expect(refusal(() => produce(rig, batchOf(rig.host))).error).toBe("NOT_LEADER_OR_FOLLOWER");
    expect(refusal(() => rig.partition.requireLeader(-1)).message).toContain("partition 0 of topic orders");
  });

  test("a request of an older leader epoch is fenced, one of a newer is told to come again", async () => {
    const rig = await openRig();
    expect(refusal(() => rig.partition.requireLeader(2)).error).toBe("FENCED_LEADER_EPOCH");
    expect(refusal(() => rig.partition.requireLeader(4)).error).toBe("UNKNOWN_LEADER_EPOCH");
    expect(rig.partition.requireLeader(3).epoch).toBe(3);
  });

  test("with fewer in sync than min.insync.replicas acks=all is refused before anything is appended, acks=1 is not", async () => {
    const rig = await openRig(memoryHost(), { record: { replicas: [1, 2, 3] } });
    const error = refusal(() => produce(rig, batchOf(rig.host)));
    expect(error.error).toBe("NOT_ENOUGH_REPLICAS");
    expect(error.message).toContain("1 of its 3 replicas are in sync, and min.insync.replicas is 2");
    expect(rig.partition.log.endOffset).toBe(0);
    expect(await rig.run(produce(rig, batchOf(rig.host), 1).acknowledged)).toBeNull();
    expect(rig.partition.highWatermark).toBe(0);
  });

  test("with a follower in sync that has not said how far it is, an acknowledgement is waited for until its timeout, and the outcome is unknown", async () => {
    const rig = await openRig(memoryHost(), { record: { replicas: [1, 2], isr: [1, 2] } });
    const { acknowledged } = produce(rig, batchOf(rig.host));
    const startedMs = rig.host.clock.monotonicMs();
    expect((await rig.run(acknowledged))?.error).toBe("REQUEST_TIMED_OUT");
    expect(rig.host.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(TIMEOUT);
    expect(rig.partition.log.endOffset).toBe(1);
    rig.partition.lead(recordOf({ replicas: [1, 2], isr: [1], partitionEpoch: 1 }));
    expect(rig.partition.highWatermark).toBe(0);
  });

  test("transactional batches are refused by name", async () => {
    const rig = await openRig();
    const error = refusal(() => produce(rig, batchOf(rig.host, { producerId: 5, isTransactional: true })));
    expect(error.message).toContain("no transactions");
    expect(rig.partition.log.endOffset).toBe(0);
  });

  test("a batch above max.message.bytes is refused naming both sizes", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "max.message.bytes": "100" } });
    const error = refusal(() => produce(rig, batchOf(rig.host, { count: 20 })));
    expect(error.error).toBe("MESSAGE_TOO_LARGE");
    expect(error.message).toMatch(/100/);
  });

  test("a batch with a flipped bit is refused", async () => {
    const rig = await openRig();
    const batch = batchOf(rig.host, { count: 3 });
    batch[batch.length - 1] = (batch.at(-1) ?? 0) ^ 1;
    expect(refusal(() => produce(rig, batch)).error).toBe("CORRUPT_MESSAGE");
  });

  test("a topic that is deleted under a producer ends its waits, and later batches are refused", async () => {
    const rig = await openRig();
    const { acknowledged } = produce(rig, batchOf(rig.host));
    rig.partition.close(new ProtocolError("UNKNOWN_TOPIC_ID", "deleted"));
    expect((await acknowledged)?.error).toBe("UNKNOWN_TOPIC_ID");
    expect(refusal(() => produce(rig, batchOf(rig.host))).error).toBe("UNKNOWN_TOPIC_ID");
  });
});

describe("timestamps", () => {
  test("with append time a batch bears the broker's clock and still verifies", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "message.timestamp.type": "LogAppendTime" } });
    const nowMs = rig.host.clock.wallMs();
    const appended = produce(rig, batchOf(rig.host, { timestamp: 1000, count: 2 }));
    expect(appended.appendTimeMs).toBe(nowMs);
    await rig.run(appended.acknowledged);
    const stored = Buffer.concat((await rig.run(rig.partition.read(0, 2, 1 << 20))).parts);
    expect(readBatchHeader(stored)).toMatchObject({ timestampType: "append", maxTimestamp: nowMs });
    expect(batchCrcMatches(stored)).toBe(true);
  });

  test.each([
    ["message.timestamp.after.max.ms", 100_000],
    ["message.timestamp.before.max.ms", -100_000],
  ])("records beyond %s are refused", async (setting, distanceMs) => {
    const rig = await openRig(memoryHost(), { overrides: { [setting]: "60000" } });
    const nowMs = rig.host.clock.wallMs();
    const error = refusal(() => produce(rig, batchOf(rig.host, { timestamp: nowMs + distanceMs })));
    expect(error.error).toBe("INVALID_TIMESTAMP");
    expect(error.message).toContain(`${setting} of the topic is 60000`);
    expect(produce(rig, batchOf(rig.host, { timestamp: nowMs + distanceMs / 2 })).baseOffset).toBe(0);
  });

  test("times of the last century are fine by default", async () => {
    const rig = await openRig();
    expect(produce(rig, batchOf(rig.host, { timestamp: 0 })).baseOffset).toBe(0);
  });
});

describe("a disk without space", () => {
  test("refuses writes with path and free bytes while reads go on, and takes them again when space is back", async () => {
    const host = memoryHost({ capacityBytes: 64 << 20 });
    const rig = await openRig(host);
    await rig.run(produce(rig, batchOf(host)).acknowledged);
    const free = (await rig.run(host.disk.space("/data/log"))).freeBytes;
    const filler = await rig.run(host.disk.open("/filler", "create"));
    await rig.run(filler.write([new Uint8Array(free - 1024)], 0));
    await host.clock.advance(30_000);
    const error = refusal(() => produce(rig, batchOf(host)));
    expect(error.error).toBe("KAFKA_STORAGE_ERROR");
    expect(error.message).toMatch(/1024 bytes are free at \/data\/log, and log.min.free.bytes keeps 8388608/);
    expect((await valuesOf(rig))[0]).toEqual({ offset: 0, value: "v0" });
    await rig.run(filler.close());
    await rig.run(host.disk.remove("/filler"));
    await host.clock.advance(30_000);
    expect(await rig.run(produce(rig, batchOf(host)).acknowledged)).toBeNull();
    expect(rig.fatal).toEqual([]);
  });

  test("a log that latched at ENOSPC gives up its waiters, and after reopening refuses no sequence that it lost", async () => {
    const host = memoryHost();
    const rig = await openRig(host);
    await rig.run(produce(rig, batchOf(host, { producerId: 9, sequence: 0, count: 2 })).acknowledged);
    host.disk.fault = (operation, path) =>
      operation === "write" && path.endsWith(".log") ? new DiskError("write", path, "ENOSPC") : undefined;
    const lost = produce(rig, batchOf(host, { producerId: 9, sequence: 2, count: 2 }));
    expect((await rig.run(lost.acknowledged))?.error).toBe("KAFKA_STORAGE_ERROR");
    expect(rig.partition.failed).toBe(true);
    expect(refusal(() => produce(rig, batchOf(host, { producerId: 9, sequence: 2, count: 2 }))).error).toBe("KAFKA_STORAGE_ERROR");
    host.disk.fault = null;
    await rig.run(rig.partition.reopen());
    const resent = produce(rig, batchOf(host, { producerId: 9, sequence: 2, count: 2 }));
    expect(resent.baseOffset).toBe(2);
    expect(await rig.run(resent.acknowledged)).toBeNull();
  });
});
