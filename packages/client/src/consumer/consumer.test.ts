import { silentLogger } from "@ottla/host";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AdminError, ClosedError, ConsumeError, OptionError, RecordDecodeError } from "../errors.ts";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import { json } from "../topic/codec.ts";
import { topic } from "../topic/topic.ts";
import type { ConsumerRecord } from "./api.ts";
import type { Consumer } from "./consumer.ts";

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => String(from + n));

async function fill(
  cluster: FakeCluster,
  name: string,
  values: readonly string[],
  options: { partition?: number; batchBytes?: number; timestamp?: number } = {},
): Promise<void> {
  const { partition = 0, batchBytes = 200, timestamp } = options;
  const producer = cluster.client().producer({ batchBytes });
  await cluster.run(
    producer.sendAll(
      name,
      values.map((value, n) => ({ value, partition, ...(timestamp === undefined ? {} : { timestamp: timestamp + n }) })),
    ),
  );
}

/** What the reader is handed until the end, or until it has `count`. */
async function read(cluster: FakeCluster, consumer: Consumer<ConsumerRecord>, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const values: string[] = [];
  const reading = (async () => {
    if (count === 0) return;
    for await (const { value } of consumer) {
      values.push(Buffer.from(value ?? []).toString());
      if (values.length >= count) break;
    }
  })();
  await cluster.run(reading);
  return values;
}

async function failure(cluster: FakeCluster, promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await cluster.run(
    promise.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  );
  if (!(error instanceof Error)) throw new Error(`expected an error, got ${String(error)}`);
  return error;
}

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

  test("picks up partitions that are added, from their beginning", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t", 1);
    const consumer = cluster.client({ metadataMaxAgeMs: 1_000 }).consumer({ assign: ["t"] });
    await cluster.run(consumer.assignment());
    await cluster.run(cluster.client().admin().createPartitions("t", 2));
    await fill(cluster, "t", ["a", "b"], { partition: 1 });
    expect(await read(cluster, consumer, 2)).toEqual(["a", "b"]);
  });

  test("keeps what it fetches ahead within prefetchBytes", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(400), { batchBytes: 1_000 });
    let fetched = 0;
    cluster.onFetch = () => void fetched++;
    const consumer = cluster
      .client()
      .consumer({ assign: ["t"], offsetReset: "earliest", prefetchBytes: 2_000, maxPartitionBytes: 1_000, until: "end" });
    expect(await read(cluster, consumer, 1)).toEqual(["0"]);
    await cluster.clock.advance(10_000);
    expect(fetched).toBeLessThan(6);
    expect(await read(cluster, consumer)).toEqual(numbers(399, 1));
  });

  test("misses and doubles nothing while streams break and leaders move", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 300 }), move: fc.boolean() }), { maxLength: 5 }),
        async (seed, troubles) => {
          await using cluster = await FakeCluster.start({ brokers: 2, seed });
          cluster.addTopic("t", 2);
          for (let partition = 0; partition < 2; partition++) await fill(cluster, "t", numbers(300), { partition, batchBytes: 150 });
          const consumer = cluster
            .client()
            .consumer({ assign: ["t"], offsetReset: "earliest", until: "end", maxPartitionBytes: 500, prefetchBytes: 1_000 });
          let atMs = 0;
          for (const { afterMs, move } of troubles) {
            atMs += afterMs;
            cluster.clock.after(atMs, () => {
              for (const broker of cluster.brokers.values()) broker.breakStreams();
              if (move) cluster.move(cluster.partition("t", 0), 1 + (atMs % 2));
            });
          }
          const seen: number[][] = [[], []];
          await cluster.run(
            (async () => {
              for await (const { partition, offset } of consumer) {
                seen[partition]?.push(offset);
                if (offset % 20 === 0) await new Promise<void>((resolve) => cluster.clock.after(20, resolve));
              }
            })(),
          );
          expect(seen).toEqual([numbers(300).map(Number), numbers(300).map(Number)]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("drops what a leader of an older epoch still answers", async () => {
    await using cluster = await FakeCluster.start({ brokers: 2 });
    cluster.addTopic("t");
    await fill(cluster, "t", ["a"]);
    cluster.move(cluster.partition("t"), 1);
    const consumer = cluster.client().consumer({ assign: [{ topic: "t", offset: 0 }] });
    await cluster.run(consumer.assignment());
    cluster.partition("t").leaderEpoch = 0;
    cluster.clock.after(2_000, () => cluster.move(cluster.partition("t"), 2));
    cluster.clock.after(2_000, () => (cluster.partition("t").leaderEpoch = 2));
    expect(await read(cluster, consumer, 1)).toEqual(["a"]);
    expect(cluster.clock.monotonicMs()).toBeGreaterThanOrEqual(2_000);
  });
});

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

describe("a topic", () => {
  test("that is not there is an error within two seconds", async () => {
    await using cluster = await FakeCluster.start();
    const error = await failure(
      cluster,
      cluster
        .client()
        .consumer({ assign: ["oders"] })
        .run({ eachRecord: () => {} }),
    );
    expect(error.message).toBe(
      'Cannot consume "oders": there is no topic "oders"; check the name, or create it (ottla topic create oders)',
    );
  });

  test("that is deleted while it is read ends the reader with an error", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", ["a"]);
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest" });
    expect(await read(cluster, consumer, 1)).toEqual(["a"]);
    cluster.topics.delete("t");
    expect((await failure(cluster, consumer.run({ eachRecord: () => {} }))).message).toBe(
      'Cannot go on consuming "t": topic "t" was deleted',
    );
  });

  test("that is deleted and created again is not mistaken for the old one", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", ["a"]);
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest" });
    expect(await read(cluster, consumer, 1)).toEqual(["a"]);
    cluster.topics.delete("t");
    cluster.addTopic("t");
    expect((await failure(cluster, consumer.run({ eachRecord: () => {} }))).message).toContain("was deleted and created again");
  });

  test("that no broker can tell of is an error that names the brokers tried", async () => {
    await using cluster = await FakeCluster.start();
    const consumer = cluster.client({ bootstrap: "broker5:9093", requestTimeoutMs: 2_000 }).consumer({ assign: ["t"] });
    expect((await failure(cluster, consumer.run({ eachRecord: () => {} }))).message).toMatch(
      /^Cannot start to consume within 2000 ms \(requestTimeoutMs\): Cannot connect to broker5:9093/,
    );
  });
});

describe("a group", () => {
  const committed = async (cluster: FakeCluster): Promise<number[]> =>
    (await cluster.run(cluster.client().admin().fetchGroupOffsets("g"))).map(({ offset }) => offset);

  test("resumes where it committed", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(20));
    const options = { assign: ["t"], group: "g", offsetReset: "earliest" } as const;
    const first = cluster.client().consumer({ ...options, count: 8 });
    expect(await read(cluster, first)).toEqual(numbers(8));
    await cluster.run(first.close());
    expect(await read(cluster, cluster.client().consumer({ ...options, until: "end" }))).toEqual(numbers(12, 8));
  });

  test("commits by itself only what the loop has finished", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(20));
    const consumer = cluster.client().consumer({ assign: ["t"], group: "g", offsetReset: "earliest", autoCommitIntervalMs: 100 });
    const iterator = consumer[Symbol.asyncIterator]();
    for (let n = 0; n < 4; n++) await cluster.run(iterator.next());
    await cluster.clock.advance(1_000);
    expect(await committed(cluster)).toEqual([3]);
    await cluster.run(consumer.close());
    expect(await committed(cluster)).toEqual([3]);
  });

  test("run commits what its callback has resolved for, and hands out again what it threw at", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(10));
    const consumer = cluster.client().consumer({ assign: ["t"], group: "g", offsetReset: "earliest", until: "end" });
    const seen: number[] = [];
    const error = await failure(
      cluster,
      consumer.run({
        eachRecord: async ({ offset }) => {
          await Promise.resolve();
          if (offset === 5) throw new Error("cannot process 5");
          seen.push(offset);
        },
      }),
    );
    expect(error.message).toBe("cannot process 5");
    expect(await cluster.run(consumer.position({ topic: "t", partition: 0 }))).toBe(5);
    await cluster.run(consumer.run({ eachRecord: ({ offset }) => void seen.push(offset) }));
    expect(seen).toEqual(numbers(10).map(Number));
    await cluster.run(consumer.close());
    expect(await committed(cluster)).toEqual([10]);
  });

  test("commits on demand what was handed out, and never beyond", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(10));
    const consumer = cluster.client().consumer({ assign: ["t"], group: "g", offsetReset: "earliest", autoCommit: false });
    await read(cluster, consumer, 4);
    await cluster.run(consumer.commit());
    expect(await cluster.run(consumer.committed())).toEqual([{ topic: "t", partition: 0, offset: 4 }]);
    await expect(cluster.run(consumer.commit([{ topic: "t", partition: 0, offset: 5 }]))).rejects.toThrow(
      "Cannot commit offset 5 of t-0: records up to 4 (exclusive) have been handed out",
    );
    await cluster.run(consumer.commit([{ topic: "t", partition: 0, offset: 2 }]));
    await cluster.run(consumer.close());
    expect(await committed(cluster)).toEqual([2]);
  });

  test("without a commit and with offsetReset none is an error", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    const consumer = cluster.client().consumer({ assign: ["t"], group: "g", offsetReset: "none" });
    expect((await failure(cluster, consumer.run({ eachRecord: () => {} }))).message).toBe(
      'Cannot consume t-0: group "g" has no committed offset and offsetReset is none; give an offset in assign, or set offsetReset to earliest or latest',
    );
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

describe("the end of a consumer", () => {
  test("comes with close, with the client's close and with its signal, and leaves nothing running", async () => {
    const ways: ((consumer: Consumer<ConsumerRecord>, client: { close(): Promise<void> }, controller: AbortController) => unknown)[] = [
      (consumer) => consumer.close(),
      (_, client) => client.close(),
      (_consumer, _client, controller) => controller.abort(),
    ];
    for (const way of ways) {
      await using cluster = await FakeCluster.start();
      cluster.addTopic("t");
      const client = cluster.client();
      const controller = new AbortController();
      const consumer = client.consumer({ assign: ["t"], group: "g", signal: controller.signal });
      cluster.clock.after(5_000, () => void way(consumer, client, controller));
      expect(await read(cluster, consumer)).toEqual([]);
      await cluster.run(client.close());
      const { calls } = cluster;
      const callsThen = calls.length;
      await cluster.clock.advance(600_000);
      expect(calls.length).toBe(callsThen);
      expect(() => consumer[Symbol.asyncIterator]()).toThrow(ClosedError);
    }
  });

  test("run stops when its signal says so, and another run goes on", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(4));
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest" });
    const controller = new AbortController();
    const seen: number[] = [];
    cluster.clock.after(1_000, () => controller.abort());
    await cluster.run(consumer.run({ signal: controller.signal, eachRecord: ({ offset }) => void seen.push(offset) }));
    expect(seen).toEqual([0, 1, 2, 3]);
    await fill(cluster, "t", ["4"]);
    expect(await read(cluster, consumer, 1)).toEqual(["4"]);
  });

  test.each([
    [{ assign: [] }, "Cannot consume without assign"],
    [{ assign: ["t", { topic: "t", partition: 0 }] }, "Cannot use assign: it names t-0 twice"],
    [{ assign: ["t"], autoCommit: true }, "Cannot use autoCommit: true without a group"],
    [{ assign: ["t"], offsetReset: "first" }, 'Cannot use offsetReset: "first": it must be one of "earliest", "latest", "none"'],
    [{ assign: ["t"], groop: "g" }, "Cannot use the consumer option groop: there is none; did you mean group?"],
  ])("refuses %o at once", async (options, message) => {
    await using cluster = await FakeCluster.start();
    expect(() => cluster.client().consumer(options as never)).toThrow(OptionError);
    expect(() => cluster.client().consumer(options as never)).toThrow(message);
  });
});

test("an error of a commit names each offset", () => {
  expect(new AdminError('commit for group "g":', [{ item: "t-0 at offset 4", error: "INVALID_GROUP_ID", message: "bad" }]).message).toBe(
    'Cannot commit for group "g": t-0 at offset 4: bad [INVALID_GROUP_ID]',
  );
});
