import { describe, expect, test } from "vitest";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";

describe("a producer", () => {
  test("tells for each record where it lies, in the order of the calls", async () => {
    await using cluster = await FakeCluster.start();
    cluster.addTopic("orders", 1);
    const producer = cluster.client().producer();
    const sends = ["a", "b", "c"].map((value) => producer.send("orders", { value, timestamp: 5 }));
    expect(await cluster.run(Promise.all(sends))).toEqual([0, 1, 2].map((offset) => ({ topic: "orders", partition: 0, offset, timestamp: 5 })));
    expect(await cluster.values("orders")).toEqual(["a", "b", "c"]);
  });
});
