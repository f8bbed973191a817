import { describe, expect, test } from "vitest";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import { json } from "../topic/codec.ts";
import { topic } from "../topic/topic.ts";
import type { ConsumerRecord } from "./api.ts";
import { fill, numbers, read } from "./consumer.test.kit.ts";

describe("a consumer", () => {
  test("hands out all partitions from the beginning to what was the end at the start", async () => {
    await using cluster = await FakeCluster.start({ brokers: 2 });
    cluster.addTopic("t", 3);
    for (let partition = 0; partition < 3; partition++) await fill(cluster, "t", numbers(50, partition * 100), { partition });
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest", until: "end" });
    const values = await read(cluster, consumer);
    expect(values.length).toBe(150);
    for (let partition = 0; partition < 3; partition++)
      expect(values.filter((value) => Math.floor(Number(value) / 100) === partition)).toEqual(numbers(50, partition * 100));
  });

  test("hands out records as their topic types them, with headers, timestamps and tombstones", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("orders");
    const orders = topic("orders", json<{ id: number }>());
    const producer = cluster.client().producer();
    await cluster.run(
      producer.send(orders, {
        key: "k",
        value: { id: 1 },
        timestamp: 77,
        headers: [
          ["h", "1"],
          ["h", null],
        ],
      }),
    );
    await cluster.run(producer.send(orders, { value: null, timestamp: 78 }));
    const consumer = cluster.client().consumer({ assign: [{ topic: orders, partition: 0, offset: 0 }], count: 2 });
    const records: ConsumerRecord<{ id: number }, string>[] = [];
    await cluster.run(consumer.run({ eachRecord: (record) => void records.push(record) }));
    const rest = { topic: "orders", partition: 0, leaderEpoch: 0 };
    expect(records).toEqual([
      {
        ...rest,
        offset: 0,
        timestamp: 77,
        key: "k",
        value: { id: 1 },
        headers: [
          { key: "h", value: new Uint8Array(Buffer.from("1")) },
          { key: "h", value: null },
        ],
      },
      { ...rest, offset: 1, timestamp: 78, key: null, value: null, headers: [] },
    ]);
  });

  test("waits for new records, from the end unless told otherwise", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", ["old"]);
    const consumer = cluster.client().consumer({ assign: ["t"] });
    await cluster.run(consumer.assignment());
    const producer = cluster.client().producer();
    cluster.clock.after(3_000, () => void producer.send("t", { value: "new" }));
    expect(await read(cluster, consumer, 1)).toEqual(["new"]);
  });

  test("goes on after what was handed out when a loop is left and another begins", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(20));
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest", until: "end" });
    expect(await read(cluster, consumer, 5)).toEqual(numbers(5));
    expect(await read(cluster, consumer)).toEqual(numbers(15, 5));
  });

  test("hands out batches of one partition, and no more than count", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(100));
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest", count: 33 });
    const offsets: number[] = [];
    await cluster.run(
      (async () => {
        for await (const batch of consumer.batches()) {
          expect(batch).toMatchObject({ topic: "t", partition: 0, highWatermark: 100 });
          offsets.push(...batch.records.map(({ offset }) => offset));
        }
      })(),
    );
    expect(offsets).toEqual(numbers(33).map(Number));
  });

  test("seeks to an offset, the beginning, the end and a time, also in the middle of a loop", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(30), { timestamp: 1_000 });
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest" });
    const where = { topic: "t", partition: 0 };
    expect(await read(cluster, consumer, 3)).toEqual(["0", "1", "2"]);
    const expected: [Parameters<typeof consumer.seek>[1], string][] = [
      [20, "20"],
      ["beginning", "0"],
      [{ timestamp: 1_012 }, "12"],
      [{ offset: 7 }, "7"],
    ];
    for (const [target, first] of expected) {
      await cluster.run(consumer.seek(where, target));
      expect(await read(cluster, consumer, 1)).toEqual([first]);
    }
    await cluster.run(consumer.seekAll("end"));
    expect(await cluster.run(consumer.position(where))).toBe(30);
    await expect(consumer.seek(where, -3)).rejects.toThrow(
      "Cannot seek to -3: an offset or a timestamp in ms must be a whole number, at least 0",
    );
    await expect(cluster.run(consumer.seek({ topic: "t", partition: 9 }, 0))).rejects.toThrow(
      "t-9 is not assigned to this consumer: it has t-0",
    );
  });

  test("refuses to pause what is not assigned when that is known, as often as it is started", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t", 1);
    const consumer = cluster.client().consumer({ assign: ["t"] });
    consumer.pause([{ topic: "t", partition: 9 }]);
    const refused = /^t-9 is not assigned to this consumer: it has t-0$/;
    await expect(cluster.run(consumer.assignment())).rejects.toThrow(refused);
    await expect(cluster.run(consumer.assignment())).rejects.toThrow(refused);
  });

  test("hands out nothing of a paused partition until it is resumed, and then misses nothing", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t", 2);
    await fill(cluster, "t", numbers(40), { partition: 0 });
    await fill(cluster, "t", numbers(40, 100), { partition: 1 });
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest" });
    const seen: number[] = [];
    let paused = false;
    await cluster.run(
      (async () => {
        for await (const { value, partition } of consumer) {
          expect(paused && partition === 0).toBe(false);
          seen.push(Number(Buffer.from(value ?? []).toString()));
          if (partition === 0 && seen.length < 40) {
            consumer.pause([{ topic: "t", partition: 0 }]);
            paused = true;
          }
          if (paused && seen.filter((n) => n >= 100).length === 40) {
            consumer.resume();
            paused = false;
          }
          if (seen.length === 80) break;
        }
      })(),
    );
    expect(seen.filter((n) => n < 100)).toEqual(numbers(40).map(Number));
  });
});
