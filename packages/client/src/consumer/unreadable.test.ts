import { silentLogger } from "@ottla/host";
import { describe, expect, test } from "vitest";
import { ConsumeError, RecordDecodeError } from "../errors.ts";
import { failure } from "../testing/failure.test.kit.ts";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import { json } from "../topic/codec.ts";
import { topic } from "../topic/topic.ts";
import type { ConsumerRecord } from "./api.ts";
import { fill, numbers, read } from "./consumer.test.kit.ts";

describe("an offset that is not in the log", () => {
  async function trimmed(): Promise<FakeCluster> {
    const cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(30));
    cluster.partition("t").startOffset = 10;
    return cluster;
  }

  test("is an error that names the range when offsetReset is none, and a seek gets past it", async () => {
    await using cluster = await trimmed();
    const consumer = cluster.client().consumer({ assign: [{ topic: "t", offset: 4 }], offsetReset: "none" });
    const error = await failure(cluster, consumer.run({ eachRecord: () => {} }));
    expect(error).toBeInstanceOf(ConsumeError);
    expect(error.message).toBe(
      "Cannot consume t-0 from offset 4: it holds 10 to 30 (exclusive), and offsetReset is none; seek to an offset in that range, or set offsetReset to earliest or latest",
    );
    await cluster.run(consumer.seekAll(28));
    expect(await read(cluster, consumer, 2)).toEqual(["28", "29"]);
  });

  test.each([
    ["earliest", 4, "10"],
    ["latest", 31, "30"],
  ] as const)("goes to the %s when offsetReset says so", async (offsetReset, offset, first) => {
    await using cluster = await trimmed();
    const consumer = cluster.client().consumer({ assign: [{ topic: "t", offset }], offsetReset });
    if (offsetReset === "latest") {
      const producer = cluster.client().producer();
      cluster.clock.after(2_000, () => void producer.send("t", { value: "30" }));
    }
    expect(await read(cluster, consumer, 1)).toEqual([first]);
  });
});

describe("a log that cannot be read", () => {
  test("because it is damaged ends the reader with the broker's words after what comes before it, and a seek gets past it", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(30), { batchBytes: 75 });
    const { batches } = cluster.partition("t");
    const [from = 0, until = 0] = batches.slice(3, 5).map(({ baseOffset }) => baseOffset);
    cluster.partition("t").damaged = { from, until };
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest", until: "end" });
    const values: string[] = [];
    const eachRecord = ({ value }: ConsumerRecord): void => void values.push(Buffer.from(value ?? []).toString());
    const error = await failure(cluster, consumer.run({ eachRecord }));
    expect(error).toBeInstanceOf(ConsumeError);
    expect(error).toMatchObject({ error: "KAFKA_STORAGE_ERROR", topic: "t", partition: 0 });
    expect(error.message).toBe(
      `Cannot fetch t-0 from offset ${from}: Cannot read offsets ${from} to ${until - 1}: 0.log is damaged (the same for 10 s; seek past it to read on)`,
    );
    expect(values).toEqual(numbers(from));
    await cluster.run(consumer.seek({ topic: "t", partition: 0 }, until));
    await cluster.run(consumer.run({ eachRecord }));
    expect(values).toEqual([...numbers(from), ...numbers(30 - until, until)]);
  });

  test("ends the reader also while other partitions have records without end", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t", 2);
    await fill(cluster, "t", numbers(2_000), { partition: 1 });
    cluster.onFetch = (_, partition) => (partition === 0 ? "KAFKA_STORAGE_ERROR" : undefined);
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest", maxPartitionBytes: 300, prefetchBytes: 600 });
    let last = -1;
    const eachRecord = async ({ offset }: ConsumerRecord): Promise<void> => {
      last = offset;
      await new Promise<void>((resolve) => cluster.clock.after(20, resolve));
    };
    const error = await failure(cluster, consumer.run({ eachRecord }));
    expect(error.message).toBe("Cannot fetch t-0 from offset 0: as scripted (the same for 10 s; seek past it to read on)");
    expect(last).toBeLessThan(1_000);
    const controller = new AbortController();
    cluster.clock.after(1_000, () => controller.abort());
    cluster.onFetch = () => undefined;
    await cluster.run(consumer.seek({ topic: "t", partition: 0 }, 0));
    const before = last;
    await cluster.run(consumer.run({ eachRecord, signal: controller.signal }));
    expect(last).toBeGreaterThan(before);
  });

  test("warns at once, and goes on when it recovers within seconds, time and again", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: unknown) => void warnings.push(fields) };
    const consumer = cluster.client({ logger }).consumer({ assign: ["t"], offsetReset: "earliest" });
    for (const value of numbers(3)) {
      cluster.onFetch = () => "KAFKA_STORAGE_ERROR";
      await fill(cluster, "t", [value]);
      cluster.clock.after(8_000, () => (cluster.onFetch = () => undefined));
      expect(await read(cluster, consumer, 1)).toEqual([value]);
    }
    expect(warnings).toEqual(numbers(3).map((offset) => expect.objectContaining({ offset: Number(offset), error: "as scripted" })));
  });

  test("is not given up while its broker goes away in between", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", ["a"]);
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest" });
    cluster.onFetch = () => "KAFKA_STORAGE_ERROR";
    cluster.clock.after(6_000, () => (cluster.onFetch = () => "NOT_LEADER_OR_FOLLOWER"));
    cluster.clock.after(12_000, () => (cluster.onFetch = () => "KAFKA_STORAGE_ERROR"));
    cluster.clock.after(18_000, () => (cluster.onFetch = () => undefined));
    expect(await read(cluster, consumer, 1)).toEqual(["a"]);
  });
});

describe("a record that its codec cannot read", () => {
  test("is named, and a seek gets past it", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("orders");
    await fill(cluster, "orders", ['{"id":0}', "{oops", '{"id":2}'], { batchBytes: 10_000 });
    const consumer = cluster
      .client()
      .consumer({ assign: [topic("orders", json<{ id: number }>())], offsetReset: "earliest", until: "end" });
    const ids: (number | undefined)[] = [];
    const error = await failure(
      cluster,
      consumer.run({ eachBatch: ({ records }) => void ids.push(...records.map(({ value }) => value?.id)) }),
    );
    expect(error).toBeInstanceOf(RecordDecodeError);
    expect(error.message).toMatch(/^Cannot read the value of orders-0 at offset 1 as json: .*; seek to offset 2 to pass over it/);
    await cluster.run(consumer.seek({ topic: "orders", partition: 0 }, 2));
    await cluster.run(consumer.run({ eachRecord: ({ value }) => void ids.push(value?.id) }));
    expect(ids).toEqual([0, 2]);
  });
});
