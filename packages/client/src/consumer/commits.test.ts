import { describe, expect, test } from "vitest";
import { AdminError } from "../errors.ts";
import { failure } from "../testing/failure.test.kit.ts";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import { fill, numbers, read } from "./consumer.test.kit.ts";

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

test("an error of a commit names each offset", () => {
  expect(new AdminError('commit for group "g":', [{ item: "t-0 at offset 4", error: "INVALID_GROUP_ID", message: "bad" }]).message).toBe(
    'Cannot commit for group "g": t-0 at offset 4: bad [INVALID_GROUP_ID]',
  );
});
