import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import { fill, numbers, read } from "./consumer.test.kit.ts";

describe("a consumer", () => {
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
    await fill(cluster, "t", numbers(2_000), { batchBytes: 1_000 });
    let fetched = 0;
    cluster.onFetch = () => void fetched++;
    const consumer = cluster
      .client()
      .consumer({ assign: ["t"], offsetReset: "earliest", prefetchBytes: 2_000, maxPartitionBytes: 1_000, until: "end" });
    expect(await read(cluster, consumer, 1)).toEqual(["0"]);
    await cluster.clock.advance(10_000);
    expect(fetched).toBeLessThan(9);
    expect(await read(cluster, consumer)).toEqual(numbers(1_999, 1));
  });

  test("asks a single partition for more before its reader is at what came", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("t");
    await fill(cluster, "t", numbers(3_000), { batchBytes: 1_000 });
    let fetched = 0;
    cluster.onFetch = () => void fetched++;
    const consumer = cluster.client().consumer({ assign: ["t"], offsetReset: "earliest", maxPartitionBytes: 2_000, until: "end" });
    const seen: number[] = [];
    await cluster.run(consumer.run({ eachBatch: () => void seen.push(fetched) }));
    // The first answer is handed out with the second fetch at the broker, and so on: the reader is never ahead of what was asked.
    expect(seen.length).toBeGreaterThan(3);
    for (const [at, asked] of seen.slice(0, -2).entries()) expect(asked).toBeGreaterThan(at + 1);
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
