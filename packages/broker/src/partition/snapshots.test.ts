import { DiskError, memoryHost } from "@ottla/host";
import { ProtocolError } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { batchOf, openRig, type Rig } from "./partition.test.kit.ts";

const DAY_MS = 86_400_000;

function send(rig: Rig, sequence: number): { baseOffset: number; acknowledged: Promise<ProtocolError | null> } {
  const { host, partition } = rig;
  return partition.produce(batchOf(host, { producerId: 1, sequence }), -1, 1000, host.clock.wallMs());
}

async function acknowledge(rig: Rig, ...sequences: number[]): Promise<void> {
  for (const sequence of sequences) expect(await rig.run(send(rig, sequence).acknowledged)).toBeNull();
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.error;
    throw error;
  }
  return "NONE";
}

describe("what is known of producers outlives their batches", () => {
  test("when the power fails while retention deletes them", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "retention.ms": "1000" } });
    await acknowledge(rig, 0, 1, 2);
    await rig.host.clock.advance(DAY_MS);
    rig.host.disk.fault = (_operation, path) => (path.includes(".snapshot") ? "crash" : undefined);
    await rig.run(rig.partition.applyRetention(rig.host.clock.wallMs())).catch(() => {});
    const again = await openRig(rig.host.restart());
    expect(refusal(() => send(again, 7))).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(send(again, 2).baseOffset).toBe(2);
  });

  test("when retention deletes them all, and when it is asked again", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "retention.ms": "1000" } });
    await acknowledge(rig, 0, 1, 2);
    await rig.host.clock.advance(DAY_MS);
    expect(await rig.run(rig.partition.applyRetention(rig.host.clock.wallMs()))).toBe(1);
    expect(await rig.run(rig.partition.applyRetention(rig.host.clock.wallMs()))).toBe(0);
    rig.host.crash();
    const again = await openRig(rig.host.restart());
    expect(again.partition.log.startOffset).toBe(3);
    expect(send(again, 2).baseOffset).toBe(2);
  });

  test("when their records are deleted while an older snapshot is still being written", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "flush.policy": "os" } });
    await acknowledge(rig, 0, 1);
    const earlier = rig.partition.deleteRecords(1, 10_000);
    const { acknowledged } = send(rig, 2);
    expect(await rig.run(acknowledged)).toBeNull();
    expect(await rig.run(rig.partition.deleteRecords(-1, 10_000))).toBe(3);
    await rig.run(earlier);
    await rig.close();
    const again = await openRig(rig.host.restart());
    expect(send(again, 2).baseOffset).toBe(2);
    expect(send(again, 3).baseOffset).toBe(3);
  });
});

describe("a batch that a failed log took back is not taken for a duplicate", () => {
  async function withLostBatch(): Promise<Rig> {
    const rig = await openRig();
    await acknowledge(rig, 0);
    rig.host.disk.fault = (operation, path) =>
      operation === "write" && path.endsWith(".log") ? new DiskError("write", path, "ENOSPC") : undefined;
    expect((await rig.run(send(rig, 1).acknowledged))?.error).toBe("KAFKA_STORAGE_ERROR");
    rig.host.disk.fault = null;
    return rig;
  }

  test("when the state of producers cannot be read again at the first try", async () => {
    const rig = await withLostBatch();
    rig.host.disk.fault = (operation, path) => (operation === "list" ? new DiskError("list", path, "EIO") : undefined);
    await expect(rig.run(rig.partition.reopen())).rejects.toThrow("EIO");
    rig.host.disk.fault = null;
    expect(rig.partition.failed).toBe(true);
    expect(refusal(() => send(rig, 1))).toBe("KAFKA_STORAGE_ERROR");
    await rig.run(rig.partition.reopen());
    await acknowledge(rig, 1);
    expect(rig.partition.log.endOffset).toBe(2);
  });

  test("when records are deleted in between", async () => {
    const rig = await withLostBatch();
    await rig.run(rig.partition.deleteRecords(-1, 10_000)).catch(() => {});
    await rig.run(rig.partition.reopen());
    await acknowledge(rig, 1);
    expect(rig.partition.log.endOffset).toBe(2);
  });
});

test("what a power failure left of a snapshot that was being written is removed", async () => {
  const rig = await openRig();
  await acknowledge(rig, 0);
  rig.host.disk.fault = (operation, path) => (operation === "rename" && path.endsWith(".snapshot.tmp") ? "crash" : undefined);
  await rig.run(rig.partition.deleteRecords(-1, 10_000)).catch(() => {});
  const again = await openRig(rig.host.restart());
  expect((await again.run(again.host.disk.list(again.partition.log.directory))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("a snapshot that is asked for while a failure takes the log's end back ends, too", async () => {
  const rig = await openRig();
  const { partition, host } = rig;
  const now = host.clock.wallMs();
  partition.produce(batchOf(host, { producerId: 1, sequence: 0, count: 3 }), -1, 60_000, now);
  await rig.run(partition.log.durable(3));
  partition.produce(batchOf(host, { producerId: 1, sequence: 3, count: 3 }), -1, 60_000, now);
  const deleted = rig.run(partition.deleteRecords(2, 10_000));
  host.disk.failNext("write", "ENOSPC");
  await deleted.catch(() => {});
  await rig.run(partition.reopen());
  expect(await rig.run(partition.deleteRecords(3, 10_000))).toBe(3);
  await rig.close();
});
