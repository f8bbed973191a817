import { decodeBatchSync } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { OptionError, ProduceError, SendAllError } from "../errors.ts";
import { failure as anyFailure } from "../testing/failure.test.kit.ts";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import { json } from "../topic/codec.ts";
import { topic } from "../topic/topic.ts";

/** The error that a promise rejects with, in virtual time. */
async function failure(cluster: FakeCluster, promise: Promise<unknown>): Promise<ProduceError> {
  const error = await anyFailure(cluster, promise);
  if (!(error instanceof ProduceError)) throw new Error(`expected a ProduceError, got ${String(error)}`);
  return error;
}

describe("a producer", () => {
  test("tells for each record where it lies, in the order of the calls", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("orders", 1);
    const producer = cluster.client().producer();
    const sends = ["a", "b", "c"].map((value) => producer.send("orders", { value, timestamp: 5 }));
    expect(await cluster.run(Promise.all(sends))).toEqual(
      [0, 1, 2].map((offset) => ({ topic: "orders", partition: 0, offset, timestamp: 5 })),
    );
    expect(await cluster.values("orders")).toEqual(["a", "b", "c"]);
  });

  test("skips bootstrap entries that are dead", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("orders");
    const producer = cluster.client({ bootstrap: ["nowhere:1", "broker9:9093", "broker1:9093"] }).producer();
    expect((await cluster.run(producer.send("orders", { value: "a" }))).offset).toBe(0);
  });

  test("puts keys where Kafka puts them, an explicit partition first, keyless records in rounds", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t", 6);
    const producer = cluster.client().producer({ lingerMs: 0 });
    const placed = async (record: { key?: string; partition?: number }): Promise<number> =>
      (await cluster.run(producer.send("t", { value: "x", ...record }))).partition;
    // Kafka's own test vectors of murmur2: "21" hashes to -973932308, "foobar" to -790332482.
    expect(await placed({ key: "21" })).toBe((-973_932_308 & 0x7fff_ffff) % 6);
    expect(await placed({ key: "foobar" })).toBe((-790_332_482 & 0x7fff_ffff) % 6);
    expect(await placed({ key: "a", partition: 4 })).toBe(4);
    const rounds = new Set<number>();
    for (let n = 0; n < 6; n++) rounds.add(await placed({}));
    expect(rounds.size).toBe(6);
  });

  test("asks the caller's partitioner, and names a partition that the topic does not have", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t", 3);
    const producer = cluster.client().producer({ partitioner: ({ key }) => (key === null ? null : Number(Buffer.from(key).toString())) });
    expect((await cluster.run(producer.send("t", { value: "x", key: "2" }))).partition).toBe(2);
    const refused = await failure(cluster, producer.send("t", { value: "x", key: "3" }));
    expect(refused.message).toBe('Cannot send to "t": the partitioner chose partition 3, it has 0 to 2');
    expect(refused.outcome).toBe("not-appended");
  });

  test("writes typed values, tombstones and headers with repeated keys and nulls", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("orders");
    const orders = topic("orders", json<{ id: number }>());
    const producer = cluster.client().producer();
    await cluster.run(
      producer.send(orders, {
        key: "k",
        value: { id: 1 },
        headers: [
          ["h", "1"],
          ["h", null],
        ],
      }),
    );
    await cluster.run(producer.send(orders, { key: "k", value: null, headers: { one: "x" } }));
    const records = cluster.partition("orders").batches.flatMap(({ bytes }) => decodeBatchSync(bytes));
    const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
    expect(
      records.map(({ key, value, headers }) => [text(key), text(value), headers.map((header) => [header.key, text(header.value)])]),
    ).toEqual([
      [
        "k",
        '{"id":1}',
        [
          ["h", "1"],
          ["h", null],
        ],
      ],
      ["k", null, [["one", "x"]]],
    ]);
  });

  test("gathers many records into few batches of at most batchBytes", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    const producer = cluster.client().producer({ batchBytes: 2_000 });
    await cluster.run(
      producer.sendAll(
        "t",
        Array.from({ length: 100 }, () => ({ value: "x".repeat(100) })),
      ),
    );
    const { batches } = cluster.partition("t");
    expect(batches.length).toBeLessThan(10);
    for (const { bytes } of batches) expect(bytes.length).toBeLessThanOrEqual(2_000);
  });

  test("splits a batch that the topic finds too large, and refuses a record that it will never take", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    cluster.partition("t").maxBatchBytes = 500;
    const producer = cluster.client().producer();
    const sends = Array.from({ length: 20 }, (_, n) => producer.send("t", { value: String(n).padStart(100, "0") }));
    expect((await cluster.run(Promise.all(sends))).map(({ offset }) => offset)).toEqual(sends.map((_, n) => n));
    const refused = await failure(cluster, producer.send("t", { value: "x".repeat(600) }));
    expect(refused.message).toMatch(
      /^Cannot deliver a record to t-0: broker 1 \(broker1:9093\): a batch of \d+ bytes exceeds max.message.bytes=500. It is certainly not in the log/,
    );
    expect((await cluster.run(producer.send("t", { value: "y" }))).offset).toBe(20);
    const huge = await failure(cluster, producer.send("t", { value: new Uint8Array(9_000_000) }));
    expect(huge.message).toBe(
      'Cannot send a record of 9000032 bytes to "t": no message may exceed 8323072 bytes; split it, or store it elsewhere and send where',
    );
  });

  test("says which topic nobody knows, and sends once somebody has created it", async () => {
    await using cluster = await FakeCluster.start();
    const producer = cluster.client().producer();
    const refused = await failure(cluster, producer.send("oders", { value: "x" }));
    expect(refused).toMatchObject({ error: "UNKNOWN_TOPIC_OR_PARTITION", outcome: "not-appended" });
    expect(refused.message).toBe(
      'Cannot send to "oders": there is no topic "oders"; check the name, or create it (ottla topic create oders)',
    );
    cluster.addTopic("oders");
    expect((await cluster.run(producer.send("oders", { value: "x" }))).offset).toBe(0);
  });

  test("fails what waits when the topic is deleted, and goes on in one created anew", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    const producer = cluster.client().producer();
    await cluster.run(producer.send("t", { value: "a" }));
    cluster.topics.delete("t");
    expect((await failure(cluster, producer.send("t", { value: "b" }))).message).toContain('topic "t" was deleted');
    cluster.addTopic("t");
    await cluster.run(producer.send("t", { value: "c" }));
    expect(await cluster.values("t")).toEqual(["c"]);
  });

  test("gives up at deliveryTimeoutMs and says that nothing left the house", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    const producer = cluster.client({ bootstrap: "broker7:9093" }).producer({ deliveryTimeoutMs: 3_000 });
    const refused = await failure(cluster, producer.send("t", { value: "x" }));
    expect(refused.outcome).toBe("not-appended");
    expect(refused.message).toMatch(
      /^Cannot send to "t" within 3000 ms \(deliveryTimeoutMs\): nothing is known of the topic: .*broker7:9093/,
    );
  });

  test("says that the outcome is unknown when a broker took the record and fell silent", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    cluster.onProduce = () => ({ kind: "silent" });
    const producer = cluster.client().producer({ deliveryTimeoutMs: 3_000 });
    const lost = await failure(cluster, producer.send("t", { value: "x" }));
    expect(lost.outcome).toBe("unknown");
    expect(lost.message).toMatch(
      /^Cannot deliver a record to t-0: not acknowledged within 3000 ms .*It is unknown whether it is in the log: sending it again may double it$/,
    );
  });

  test("is past a frozen leader within four seconds once another one leads", async () => {
    await using cluster = await FakeCluster.start({ brokers: 2 });
    cluster.addTopic("t");
    const producer = cluster.client().producer();
    await cluster.run(producer.send("t", { value: "a" }));
    cluster.onProduce = (broker) => (broker === 1 ? { kind: "silent" } : undefined);
    cluster.clock.after(2_500, () => cluster.move(cluster.partition("t"), 2));
    const startedMs = cluster.clock.monotonicMs();
    await cluster.run(producer.send("t", { value: "b" }));
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(4_000);
    expect(await cluster.values("t")).toEqual(["a", "b"]);
  });

  test("holds send back while the buffer is full, and gives up the wait when told", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    cluster.onProduce = () => ({ kind: "slow", ms: 100 });
    const producer = cluster.client().producer({ maxBufferedBytes: 2_048, lingerMs: 0 });
    await cluster.run(producer.send("t", { value: "warm" }));
    const value = "x".repeat(900);
    const sends = Array.from({ length: 8 }, () => producer.send("t", { value }));
    const controller = new AbortController();
    const waiting = producer.send("t", { value: "aborted" }, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await cluster.run(Promise.all(sends));
    const batches = cluster.partition("t").batches.slice(1);
    for (const { bytes } of batches) expect(bytes.length).toBeLessThanOrEqual(2_048);
    expect(await cluster.values("t")).toEqual(["warm", ...sends.map(() => value)]);
  });

  test("flushes what is buffered at once, and close waits for it", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    const producer = cluster.client().producer({ lingerMs: 60_000 });
    const first = producer.send("t", { value: "a" });
    await cluster.run(producer.flush(), 1_000);
    await first;
    const second = producer.send("t", { value: "b" });
    await cluster.run(producer.close(), 1_000);
    expect((await second).offset).toBe(1);
    await expect(producer.send("t", { value: "c" })).rejects.toThrow('Cannot send to "t": this producer is closed');
  });

  test("bounds close, and says of what is left that its outcome is unknown", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    cluster.onProduce = () => ({ kind: "silent" });
    const producer = cluster.client().producer();
    const sent = producer.send("t", { value: "a" });
    cluster.clock.after(50, () => void producer.close({ timeoutMs: 500 }));
    const lost = await failure(cluster, sent);
    expect(lost.message).toContain("the producer was closed after 500 ms of flushing");
    expect(lost.outcome).toBe("unknown");
  });

  test("without acknowledgements resolves with offset -1", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    const producer = cluster.client().producer({ acks: 0 });
    expect((await cluster.run(producer.send("t", { value: "a" }))).offset).toBe(-1);
    await cluster.clock.advance(10);
    expect(await cluster.values("t")).toEqual(["a"]);
  });

  test("sendAll rejects once all have an outcome, with each of them", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t", 2);
    const producer = cluster.client().producer();
    const error = await failure(cluster, producer.sendAll("t", [{ value: "a" }, { value: "b", partition: 5 }, { value: "c" }]));
    expect(error).toBeInstanceOf(SendAllError);
    if (error instanceof SendAllError) expect(error.results.map((result) => result instanceof Error)).toEqual([false, true, false]);
  });

  test("goes on under a fresh producer id when the broker has lost its state", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    const producer = cluster.client().producer();
    await cluster.run(producer.send("t", { value: "a" }));
    const partition = cluster.partition("t");
    Object.assign(partition, { batches: [], endOffset: 0 });
    partition.forgetProducers();
    await cluster.run(producer.send("t", { value: "b" }));
    expect(await cluster.values("t")).toEqual(["b"]);
    expect(cluster.producerIds).toBe(2);
  });

  test.each([
    [{ lingerMs: -1 }, "Cannot use lingerMs: -1: it must be a whole number from 0 to 60000 ms"],
    [{ compression: "brotli" }, 'Cannot use compression: "brotli": it must be one of "none", "gzip", "snappy", "lz4", "zstd"'],
    [{ lingerms: 1 }, "Cannot use the producer option lingerms: there is none; did you mean lingerMs?"],
    [
      { acks: 1, idempotent: true },
      'Cannot use idempotent: true with acks: 1: only acks: "all" tells that a record is safe; drop one of the two',
    ],
  ])("refuses %o at once", async (options, message) => {
    await using cluster = await FakeCluster.start();
    const client = cluster.client();
    expect(() => client.producer(options as object)).toThrow(OptionError);
    expect(() => client.producer(options as object)).toThrow(message);
  });
});
