import { memoryHost } from "@ottla/host";
import { encodeBatch, encodeBatchSync, type ProtocolError } from "@ottla/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listOffset } from "./list-offsets.ts";
import { batchOf, openRig, type Rig, valuesOf } from "./partition.test.kit.ts";

const append = (rig: Rig, batch: Uint8Array): Promise<ProtocolError | null> =>
  rig.run(rig.partition.produce(batch, -1, 5000, rig.host.clock.wallMs()).acknowledged);
const find = (rig: Rig, timestamp: number) => rig.run(listOffset(rig.partition, timestamp, -1, rig.host.codecs));

describe("listing offsets", () => {
  test("latest is the high watermark, earliest the log's start, and an empty log has neither record nor time", async () => {
    const rig = await openRig();
    expect(await find(rig, -1)).toMatchObject({ offset: 0, timestamp: -1 });
    expect(await find(rig, -3)).toEqual({ offset: -1, timestamp: -1, leaderEpoch: -1 });
    expect(await find(rig, 0)).toEqual({ offset: -1, timestamp: -1, leaderEpoch: -1 });
    await append(rig, batchOf(rig.host, { count: 5, timestamp: 100 }));
    await rig.run(rig.partition.deleteRecords(2, 10_000));
    expect(await find(rig, -1)).toMatchObject({ offset: 5, leaderEpoch: 3 });
    expect(await find(rig, -2)).toMatchObject({ offset: 2 });
    expect(await find(rig, 0)).toEqual({ offset: 2, timestamp: 102, leaderEpoch: 3 });
  });

  test("a time finds the very record, also inside a compressed batch", async () => {
    const rig = await openRig();
    const records = Array.from({ length: 10 }, (_, i) => ({ key: null, value: Buffer.from("x".repeat(100)), timestamp: 1000 + 10 * i }));
    await append(rig, await rig.run(encodeBatch(records, { codec: "gzip", codecs: rig.host.codecs })));
    expect(await find(rig, 1045)).toEqual({ offset: 5, timestamp: 1050, leaderEpoch: 3 });
    expect(await find(rig, -3)).toEqual({ offset: 9, timestamp: 1090, leaderEpoch: 3 });
    expect(await find(rig, 1091)).toMatchObject({ offset: -1 });
  });

  test("with append time all records of a batch bear its time", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "message.timestamp.type": "LogAppendTime" } });
    const first = rig.host.clock.wallMs();
    await append(rig, batchOf(rig.host, { count: 3, timestamp: 5 }));
    await rig.host.clock.advance(1000);
    await append(rig, batchOf(rig.host, { count: 3, timestamp: 5 }));
    expect(await find(rig, first)).toMatchObject({ offset: 0, timestamp: first });
    expect(await find(rig, first + 1)).toMatchObject({ offset: 3, timestamp: rig.host.clock.wallMs() });
  });

  test("a plain search over all records finds the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(100), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 }),
        async (batches) => {
          const rig = await openRig();
          const times: number[] = [];
          for (const batch of batches) {
            await append(rig, encodeBatchSync(batch.map((timestamp) => ({ key: null, value: null, timestamp }))));
            times.push(...batch);
          }
          for (let time = 0; time <= 101; time += 3) {
            const offset = times.findIndex((each) => each >= time);
            expect(await find(rig, time)).toMatchObject(offset === -1 ? { offset: -1 } : { offset, timestamp: times[offset] });
          }
          const largest = Math.max(...times);
          expect(await find(rig, -3)).toMatchObject({ offset: times.indexOf(largest), timestamp: largest });
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("deleting records", () => {
  test("moves the log's start, for good", async () => {
    const host = memoryHost();
    const rig = await openRig(host);
    for (let i = 0; i < 4; i++) await append(rig, batchOf(host, { value: `${i}-`, producerId: 1, sequence: i }));
    expect(await rig.run(rig.partition.deleteRecords(3, 10_000))).toBe(3);
    expect(await rig.run(rig.partition.deleteRecords(1, 10_000))).toBe(3);
    await expect(rig.run(rig.partition.deleteRecords(5, 10_000))).rejects.toMatchObject({ error: "OFFSET_OUT_OF_RANGE" });
    const again = await openRig(host.restart());
    expect(again.partition.log.startOffset).toBe(3);
    expect(await valuesOf(again, 3)).toEqual([{ offset: 3, value: "3-0" }]);
    expect(await again.run(again.partition.deleteRecords(-1, 10_000))).toBe(4);
    expect(again.partition.log.startOffset).toBe(4);
  });

  test("does not make the producers' sequences start again", async () => {
    const host = memoryHost();
    const rig = await openRig(host);
    for (let i = 0; i < 4; i++) await append(rig, batchOf(host, { producerId: 1, sequence: i }));
    await rig.run(rig.partition.deleteRecords(-1, 10_000));
    const again = await openRig(host.restart());
    expect(again.partition.produce(batchOf(host, { producerId: 1, sequence: 3 }), -1, 1000, 0).baseOffset).toBe(3);
    expect(() => again.partition.produce(batchOf(host, { producerId: 1, sequence: 5 }), -1, 1000, 0)).toThrow(/where 4 comes next/);
  });
});

describe("retention", () => {
  test("by time and by size removes whole segments and never passes the high watermark (P18)", async () => {
    const rig = await openRig(memoryHost(), { overrides: { "segment.bytes": "2000", "retention.ms": "60000", "retention.bytes": "-1" } });
    for (let i = 0; i < 10; i++) await append(rig, batchOf(rig.host, { value: "x".repeat(900) }));
    expect(await rig.run(rig.partition.applyRetention(rig.host.clock.wallMs()))).toBe(0);
    await rig.host.clock.advance(61_000);
    await append(rig, batchOf(rig.host, { value: "new" }));
    expect(await rig.run(rig.partition.applyRetention(rig.host.clock.wallMs()))).toBeGreaterThan(0);
    const { startOffset } = rig.partition.log;
    expect(startOffset).toBeGreaterThan(0);
    expect(startOffset).toBeLessThanOrEqual(rig.partition.highWatermark);
    expect((await valuesOf(rig, startOffset)).at(-1)).toEqual({ offset: 10, value: "new0" });
  });

  test("does nothing on a replica that does not lead, nor above what followers have", async () => {
    const rig = await openRig(memoryHost(), {
      overrides: { "segment.bytes": "2000", "retention.ms": "1" },
      record: { replicas: [1, 2], isr: [1, 2] },
    });
    for (let i = 0; i < 6; i++) void rig.partition.produce(batchOf(rig.host, { value: "x".repeat(900) }), 1, 1000, rig.host.clock.wallMs());
    await rig.host.clock.advance(1000);
    expect(await rig.run(rig.partition.applyRetention(rig.host.clock.wallMs()))).toBe(0);
    expect(rig.partition.log.startOffset).toBe(0);
  });
});
