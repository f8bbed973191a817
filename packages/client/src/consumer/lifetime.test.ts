import { describe, expect, test } from "vitest";
import { ClosedError, OptionError } from "../errors.ts";
import { failure } from "../testing/failure.test.kit.ts";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import type { ConsumerRecord } from "./api.ts";
import { fill, numbers, read } from "./consumer.test.kit.ts";
import type { Consumer } from "./consumer.ts";

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
