import { NetworkError } from "@ottla/host";
import { services } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import type { RecordMetadata } from "./producer/api.ts";
import { FakeCluster } from "./testing/fake-cluster.test.kit.ts";

const three = { brokers: 3 };
const bootstrap = ["broker1:9093", "broker2:9093", "broker3:9093"];

/** Sends 0, 1, … every 20 ms for so long, and measures the longest time without an acknowledgement. */
async function sendFor(cluster: FakeCluster, totalMs: number, during: () => void): Promise<{ gapMs: number; sent: string[] }> {
  const { clock } = cluster;
  const producer = cluster.client({ bootstrap }).producer({ lingerMs: 1 });
  await producer.send("t", { value: "0" });
  const sends: Promise<RecordMetadata>[] = [];
  let [lastMs, gapMs] = [clock.monotonicMs(), 0];
  for (let n = 1; n <= totalMs / 20; n++) {
    if (n === 25) during();
    const sent = producer.send("t", { value: String(n) });
    sends.push(sent);
    void sent.then(() => {
      gapMs = Math.max(gapMs, clock.monotonicMs() - lastMs);
      lastMs = clock.monotonicMs();
    });
    await new Promise<void>((resolve) => clock.after(20, resolve));
  }
  await Promise.all(sends);
  return { gapMs, sent: Array.from({ length: sends.length + 1 }, (_, n) => String(n)) };
}

describe("when a leader fails a producer goes on without an error, each record once and in order", () => {
  test.each([
    ["is killed", "kill" as const, 300, 500],
    ["is killed and took the controller with it", "kill" as const, 1_500, 2_000],
    ["stands still", "freeze" as const, 3_000, 4_000],
  ])("and it %s: the gap is little longer than the election", async (_, how, electedMs, limitMs) => {
    await using cluster = await FakeCluster.start(three);
    cluster.addTopic("t");
    const { gapMs, sent } = await cluster.run(sendFor(cluster, 8_000, () => cluster[how](1, electedMs, 2)));
    expect(await cluster.values("t")).toEqual(sent);
    expect(gapMs).toBeGreaterThanOrEqual(electedMs);
    expect(gapMs).toBeLessThanOrEqual(limitMs);
  });

  test("and its connection is given up before another is elected: the new one, to a process that does not run, holds up nobody", async () => {
    await using cluster = await FakeCluster.start(three);
    cluster.addTopic("t");
    const freeze = (): void => {
      cluster.freeze(1, 2_800, 2);
      cluster.clock.after(2_300, () => cluster.host.network.reset("broker1"));
    };
    const { gapMs, sent } = await cluster.run(sendFor(cluster, 8_000, freeze));
    expect(await cluster.values("t")).toEqual(sent);
    expect(gapMs).toBeGreaterThanOrEqual(2_800);
    expect(gapMs).toBeLessThanOrEqual(3_100);
  });

  test("and the log it had not acknowledged is at the successor already", async () => {
    await using cluster = await FakeCluster.start(three);
    cluster.addTopic("t");
    const { sent } = await cluster.run(
      sendFor(cluster, 3_000, () => {
        cluster.onProduce = (broker) => (broker === 1 ? { kind: "break", appended: true } : undefined);
        cluster.clock.after(100, () => cluster.kill(1, 300, 3));
      }),
    );
    expect(await cluster.values("t")).toEqual(sent);
  });
});

describe("when the broker that a consumer reads from fails it goes on elsewhere", () => {
  test.each([
    ["killed", "kill" as const, 300, 600],
    ["frozen", "freeze" as const, 3_000, 4_000],
  ])("%s", async (_, how, electedMs, limitMs) => {
    await using cluster = await FakeCluster.start(three);
    cluster.addTopic("t");
    const { clock } = cluster;
    const writer = cluster.client({ bootstrap }).producer();
    await cluster.run(writer.send("t", { value: "a" }));
    const read: string[] = [];
    const reading = (async () => {
      const consumer = cluster.client({ bootstrap }).consumer({ assign: ["t"], offsetReset: "earliest", count: 2 });
      for await (const { value } of consumer) read.push(Buffer.from(value ?? []).toString());
    })();
    await cluster.run(new Promise<void>((resolve) => clock.after(1_000, resolve)));
    cluster[how](1, electedMs, 2);
    const startedMs = clock.monotonicMs();
    await cluster.run(Promise.all([writer.send("t", { value: "b" }), reading]));
    expect(read).toEqual(["a", "b"]);
    expect(clock.monotonicMs() - startedMs).toBeLessThanOrEqual(limitMs);
  });
});

describe("when the leader that is asked about its log fails the successor answers soon", () => {
  test.each([
    ["killed", "kill" as const, 300, 600],
    ["frozen", "freeze" as const, 3_000, 4_000],
  ])("%s", async (_, how, electedMs, limitMs) => {
    await using cluster = await FakeCluster.start(three);
    cluster.addTopic("t");
    const { clock } = cluster;
    const admin = cluster.client({ bootstrap }).admin();
    const ends = () => admin.listOffsets([{ topic: "t", partition: 0, at: "latest" }]);
    await cluster.run(ends());
    cluster[how](1, electedMs, 2);
    const startedMs = clock.monotonicMs();
    const asked = [ends(), admin.deleteRecords([{ topic: "t", partition: 0, before: 0 }])];
    expect(await cluster.run(Promise.all(asked))).toMatchObject([[{ offset: 0 }], [{ logStartOffset: 0 }]]);
    expect(clock.monotonicMs() - startedMs).toBeLessThanOrEqual(limitMs);
  });

  test("and what any broker knows is asked of another one", async () => {
    await using cluster = await FakeCluster.start(three);
    const admin = cluster.client({ bootstrap }).admin();
    await cluster.run(admin.listTopics());
    cluster.freeze(1, 60_000, 2);
    const startedMs = cluster.clock.monotonicMs();
    await cluster.run(admin.listTopics());
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(1_500);
  });
});

describe("when a broker is cut off from the others but not from clients, these turn to the others", () => {
  test.each([
    ["", []],
    [", also to one that could not be reached before", [2]],
  ])("to read, to write and for offsets%s", async (_, unreachable) => {
    await using cluster = await FakeCluster.start(three);
    cluster.addTopic("t");
    const { clock } = cluster;
    const { network } = cluster.host;
    const client = cluster.client({ bootstrap });
    const [admin, writer] = [client.admin(), client.producer()];
    const ends = () => admin.listOffsets([{ topic: "t", partition: 0, at: "latest" }]);
    const read: string[] = [];
    const reading = (async () => {
      const consumer = cluster.client({ bootstrap }).consumer({ assign: ["t"], offsetReset: "earliest", count: 2 });
      for await (const { value } of consumer) read.push(Buffer.from(value ?? []).toString());
    })();
    await cluster.run(Promise.all([writer.send("t", { value: "a" }), ends()]));
    for (const node of unreachable) network.trouble({ refused: true }, `broker${node}`);
    await cluster.run(new Promise<void>((resolve) => clock.after(1_000, resolve)));
    cluster.cutOff(1, 3);
    const startedMs = clock.monotonicMs();
    const asked = [writer.send("t", { value: "b" }), ends(), reading];
    await cluster.run(Promise.all(asked), 5_000);
    expect(read).toEqual(["a", "b"]);
    expect(clock.monotonicMs() - startedMs).toBeLessThanOrEqual(1_500);
  });

  test("with what brokers pass on to the controllers", async () => {
    await using cluster = await FakeCluster.start(three);
    cluster.onCall = (name, broker) => (broker === 1 && name !== "metadata" ? "REQUEST_TIMED_OUT" : undefined);
    const admin = cluster.client({ bootstrap }).admin();
    expect(await cluster.run(admin.listTopics())).toEqual([]);
    expect(await cluster.run(admin.createTopic({ name: "t" }, { timeoutMs: 1_000 }))).toMatchObject({ name: "t" });
    expect(cluster.calls.filter((name) => name === "createTopics").length).toBeLessThanOrEqual(3);
  });

  test("one after the other, until the one is found that can be reached again and knows", async () => {
    await using cluster = await FakeCluster.start(three);
    cluster.addTopic("t");
    const { clock } = cluster;
    const { network } = cluster.host;
    const admin = cluster.client({ bootstrap: ["broker1:9093"] }).admin();
    const ends = () => admin.listOffsets([{ topic: "t", partition: 0, at: "latest" }]);
    for (const node of [2, 3]) network.trouble({ refused: true }, `broker${node}`);
    await cluster.run(ends());
    cluster.cutOff(1, 3);
    clock.after(10_000, () => {
      for (const node of [2, 3]) network.trouble({}, `broker${node}`);
    });
    const startedMs = clock.monotonicMs();
    expect(await cluster.run(ends(), 30_000)).toMatchObject([{ offset: 0 }]);
    expect(clock.monotonicMs() - startedMs).toBeLessThanOrEqual(20_000);
  });
});

describe("a bootstrap list", () => {
  test("may hold dead entries: the first that answers will do", async () => {
    await using cluster = await FakeCluster.start();
    const admin = cluster.client({ bootstrap: ["broker8:9093", "broker9:9093", "broker1:9093"] }).admin();
    expect(await cluster.run(admin.listTopics({ timeoutMs: 1_000 }))).toEqual([]);
  });

  test("with a silent entry costs a moment, not the timeout", async () => {
    await using cluster = await FakeCluster.start({ brokers: 2 });
    cluster.host.network.trouble({ stalled: true }, "broker1");
    const admin = cluster.client({ bootstrap: ["broker1:9093", "broker2:9093"] }).admin();
    const startedMs = cluster.clock.monotonicMs();
    expect(await cluster.run(admin.createTopic({ name: "t" }, { timeoutMs: 5_000 }))).toMatchObject({ name: "t" });
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(1_100);
  });

  test("that names the node door is refused at once, with the port to use; beside a right entry it is passed over", async () => {
    await using cluster = await FakeCluster.start();
    const { network } = cluster.brokers.get(1)?.host ?? cluster.host;
    await network.listen({ host: "broker1", port: 9095 }, [{ name: services.raft, accept: () => ({}) }], {
      maxFrameBytes: 1000,
      maxSessions: 9,
    });
    const client = cluster.client({ bootstrap: "broker1:9095" });
    const refused =
      "broker1:9095 speaks gRPC, but is no door for clients (perhaps the node door, 9095 by default): use the port of grpc.listeners";
    await expect(cluster.run(client.admin().listTopics())).rejects.toThrow(refused);
    await expect(cluster.run(client.producer().send("t", { value: "a" }))).rejects.toThrow(refused);
    const reading = client.consumer({ assign: ["t"] })[Symbol.asyncIterator]();
    await expect(cluster.run(reading.next())).rejects.toThrow(refused);
    const both = cluster.client({ bootstrap: ["broker1:9095", "broker1:9093"] }).admin();
    expect(await cluster.run(both.listTopics())).toEqual([]);
  });

  test("that mixes two clusters is refused where the second is met, naming both", async () => {
    await using cluster = await FakeCluster.start({ brokers: 2 });
    const stranger = cluster.brokers.get(2);
    if (stranger === undefined) throw new Error("no broker 2");
    stranger.clusterId = "another";
    cluster.nodeIds.pop();
    const client = cluster.client({ bootstrap: ["broker1:9093", "broker2:9093"] });
    expect(await cluster.run(client.admin().listTopics())).toEqual([]);
    cluster.kill(1, 100_000, 1);
    await expect(cluster.run(client.admin().listTopics({ timeoutMs: 2_000 }))).rejects.toThrow(
      "broker2:9093 belongs to cluster another, and broker1:9093 to cluster fake: take the one that is not meant out of bootstrap",
    );
  });

  test("that names a door which says so is refused at once, in the words of that door", async () => {
    await using cluster = await FakeCluster.start();
    const { network } = cluster.brokers.get(1)?.host ?? cluster.host;
    const accept = (): never => {
      throw new NetworkError({
        kind: "rejected",
        code: "UNSUPPORTED_ENDPOINT_TYPE",
        message: "This is the door of node 1 for other nodes; its door for clients is broker1:9093",
      });
    };
    await network.listen({ host: "broker1", port: 9095 }, [{ name: services.call, accept }], { maxFrameBytes: 1000, maxSessions: 9 });
    const admin = cluster.client({ bootstrap: "broker1:9095" }).admin();
    await expect(cluster.run(admin.listTopics(), 1_000)).rejects.toThrow("its door for clients is broker1:9093");
  });

  test("of which nothing answers is an error after the timeout that names each entry and why", async () => {
    await using cluster = await FakeCluster.start({ brokers: 2 });
    cluster.host.network.trouble({ refused: true }, "broker1");
    cluster.host.network.trouble({ stalled: true }, "broker2");
    const admin = cluster.client({ bootstrap: ["broker1:9093", "broker2:9093", "nowhere:9093"] }).admin();
    const failed = cluster.run(admin.listTopics({ timeoutMs: 8_000 }), 9_000);
    await expect(failed).rejects.toThrow(/within 8000 ms: .*broker1:9093 .*broker2:9093 .*nowhere:9093/s);
  });

  test("that reaches a version from the future says who is to be updated", async () => {
    await using cluster = await FakeCluster.start();
    const { network } = cluster.brokers.get(1)?.host ?? cluster.host;
    const accept = (): never => {
      throw new NetworkError({
        kind: "rejected",
        code: "UNSUPPORTED_PROTOCOL",
        message: "The client speaks versions 1-1 of the protocol, this node 2-3",
      });
    };
    await network.listen({ host: "broker1", port: 9193 }, [{ name: services.call, accept }], { maxFrameBytes: 1000, maxSessions: 9 });
    await expect(cluster.run(cluster.client({ bootstrap: "broker1:9193" }).admin().listTopics())).rejects.toThrow(
      "this node 2-3; update this client or that node",
    );
  });
});
