import { readBatchHeader, services, uuidFromBytes, uuidToBytes } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { decodeFrame, encodeFrame, type ReplicationFrame } from "./frames.ts";
import { bytesOf, produce, ReplicationCluster, topicId } from "./replication.test.kit.ts";

const segment = `/data/log/${topicId}-0/${"0".repeat(20)}.log`;

async function withRecords(cluster: ReplicationCluster, count: number, index = 0): Promise<void> {
  const leader = cluster.partition(1, index);
  const sent = Array.from({ length: count }, (_, at) => produce(leader, `v${at}`, { valueBytes: 100 }));
  await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
}

function linesOf(cluster: ReplicationCluster, text: string): object[] {
  return cluster.told.filter(({ message }) => message.includes(text));
}

describe("what only one partition suffers from", () => {
  test("a batch that does not verify stops that partition alone, and is asked for again", async () => {
    const cluster = await ReplicationCluster.start(2);
    await cluster.createTopic([{ replicas: [1] }, { replicas: [1] }], { "min.insync.replicas": "1" });
    for (const index of [0, 1]) await withRecords(cluster, 3, index);
    // The leader's memory is bad, its disk is not.
    const [cached] = cluster.partition(1).log.recent({ from: 1, until: 2, maxBytes: 1 })?.parts ?? [];
    if (cached === undefined) throw new Error("not in memory");
    const flip = (): void => void (cached[90] = (cached[90] ?? 0) ^ 1);
    flip();
    for (const index of [0, 1]) cluster.change({ replicas: [1, 2], adding: [2] }, index);
    await cluster.until(() => cluster.record(1).isr.includes(2));
    await cluster.clock.advance(60_000);
    const sent = produce(cluster.partition(1, 1), "other");
    await cluster.until(() => sent.outcome === "acknowledged");
    expect(cluster.record(0).isr).toEqual([1]);
    expect(linesOf(cluster, "dialled again")).toEqual([]);
    expect(linesOf(cluster, "cannot be taken").length).toBeLessThan(15);
    expect(linesOf(cluster, "cannot go on")).toMatchObject([{ fields: { reason: expect.stringContaining("CRC") } }]);
    flip();
    await cluster.until(() => cluster.record(0).isr.includes(2));
    expect(await bytesOf(cluster, cluster.partition(2))).toBe(await bytesOf(cluster, cluster.partition(1)));
  });

  test("a follower that tells of more than it was sent is not fed with that partition, and goes on with the others", async () => {
    const cluster = await ReplicationCluster.start(2);
    // What broker 2 says is said by the test.
    cluster.deaf.add(2);
    await cluster.createTopic(
      [0, 1].map(() => ({ replicas: [1, 2], isr: [1] })),
      { "min.insync.replicas": "1" },
    );
    const { host, incarnation, brokerEpoch } = cluster.node(2);
    const session = await cluster.run(
      host.network.dial({ host: "n1", port: 9095 }, services.replication, {
        attributes: { "ottla-node-id": "2", "ottla-incarnation": uuidFromBytes(incarnation) },
        maxFrameBytes: 4 << 20,
        signal: new AbortController().signal,
      }),
    );
    const heard: ReplicationFrame[] = [];
    void (async () => {
      for await (const frame of session.frames) heard.push(decodeFrame(frame));
    })();
    const held = { endOffset: 0, durableOffset: 0, startOffset: 0, relaxed: false, damaged: false };
    const id = (partition: number) => ({ topicId: uuidToBytes(topicId), partition, leaderEpoch: 0 });
    const wishes = [0, 1].map((partition) => ({ ...id(partition), ...held, lastEpoch: -1, brokerEpoch }));
    void session.send(encodeFrame("attach", { partitions: wishes }));
    await cluster.until(() => heard.filter(({ kind }) => kind === "from").length === 2);
    void session.send(encodeFrame("progress", { partitions: [{ ...id(0), ...held, endOffset: 5 }], framesTaken: 0 }));
    await cluster.until(() => heard.some(({ kind }) => kind === "refused"));
    for (const index of [0, 1]) produce(cluster.partition(1, index), "a");
    await cluster.until(() => heard.some(({ kind }) => kind === "data"));
    const fed = heard.flatMap((frame) => (frame.kind === "data" ? frame.header.parts.map(({ partition }) => partition) : []));
    expect(fed).toEqual([1]);
    expect(heard.find(({ kind }) => kind === "refused")).toMatchObject({ header: { partitions: [{ partition: 0 }] } });
  });
});

test("damage found while following: the replica leaves the in-sync set, fetches anew from there on, and comes back, in the same epoch", async () => {
  const cluster = await ReplicationCluster.start(3, { logCacheBytes: 0 });
  await cluster.createTopic([{ replicas: [1, 2, 3] }]);
  await withRecords(cluster, 6);
  const follower = cluster.partition(3);
  const seen: number[][] = [];
  cluster.node(3).host.disk.flipBit(segment, 400);
  await expect(cluster.run(follower.read(2, 6, 1000))).rejects.toThrow("damaged");
  await cluster.until(() => {
    seen.push([...cluster.record().isr]);
    if (cluster.record().isr.includes(3)) expect(follower.log.endOffset).toBe(6);
    return follower.log.damaged.length === 0 && cluster.record().isr.includes(3);
  });
  expect(seen).toContainEqual([1, 2]);
  expect(cluster.record().leaderEpoch).toBe(0);
  expect(await bytesOf(cluster, follower)).toBe(await bytesOf(cluster, cluster.partition(1)));
});

test("P3: a replica with damage cuts nothing while its leader counts it as in sync, though it has not heard of that itself", async () => {
  const cluster = await ReplicationCluster.start(3, { logCacheBytes: 0 });
  await cluster.createTopic([{ replicas: [1, 2, 3], isr: [1, 2] }]);
  await cluster.until(() => cluster.partition(3).role === "follower");
  cluster.deaf.add(3);
  await withRecords(cluster, 6);
  await cluster.until(() => cluster.record().isr.includes(3));
  const follower = cluster.partition(3);
  cluster.unreachable = true;
  cluster.node(3).host.disk.flipBit(segment, 400);
  await expect(cluster.run(follower.read(2, 6, 1000))).rejects.toThrow("damaged");
  await cluster.clock.advance(5000);
  expect([cluster.record().isr.includes(3), follower.log.endOffset]).toEqual([true, 6]);
  cluster.unreachable = false;
  const seen: number[][] = [];
  await cluster.until(() => {
    seen.push([...cluster.record().isr]);
    return follower.log.damaged.length === 0 && cluster.record().isr.includes(3);
  });
  expect(seen).toContainEqual([1, 2]);
  expect(await bytesOf(cluster, follower)).toBe(await bytesOf(cluster, cluster.partition(1)));
});

describe("damage of the only copy", () => {
  /** Broker 1 alone has six records, one of them damaged: the third, if nothing else is said. */
  async function damaged(nodes: number, { from, at } = { from: 2, at: 400 }): Promise<ReplicationCluster> {
    const cluster = await ReplicationCluster.start(nodes, { logCacheBytes: 0 });
    await cluster.createTopic([{ replicas: [1] }], { "min.insync.replicas": "1" });
    await withRecords(cluster, 6);
    cluster.node(1).host.disk.flipBit(segment, at);
    await expect(cluster.run(cluster.partition(1).read(from, 6, 1000))).rejects.toThrow("damaged");
    return cluster;
  }

  const batchesBehind = async (cluster: ReplicationCluster, nodeId: number): Promise<number> => {
    const { parts } = await cluster.run(cluster.partition(nodeId).read(3, 6, 1 << 20));
    return readBatchHeader(parts[0] ?? new Uint8Array()).baseOffset;
  };

  test("a new replica notes it as lost and holds the rest; it stays lost, and nobody resigns for it", async () => {
    const cluster = await damaged(3);
    cluster.change({ replicas: [1, 2, 3], adding: [2, 3] });
    await cluster.until(() => cluster.record().isr.length === 3);
    for (const nodeId of [1, 2, 3]) {
      await expect(cluster.run(cluster.partition(nodeId).read(2, 6, 1000))).rejects.toThrow("offsets 2 to 2");
      expect(await batchesBehind(cluster, nodeId)).toBe(3);
      expect(cluster.partition(nodeId).log.damaged).toEqual([]);
    }
    await cluster.clock.advance(5000);
    expect([cluster.resigned, cluster.record().leader, linesOf(cluster, "Damaged offsets are lost").length]).toEqual([[], 1, 1]);
    cluster.crash(1);
    cluster.elect(2, [2, 3]);
    await cluster.until(() => cluster.partition(2).role === "leader");
    const sent = produce(cluster.partition(2), "later");
    await cluster.until(() => sent.outcome === "acknowledged");
    const { found } = await cluster.boot(3, cluster.crash(3).restart());
    expect(found).toEqual([]);
  });

  test("while another replica is away that may have it, nobody goes on without; the reason is told, and when it is back it leads", async () => {
    const cluster = await ReplicationCluster.start(3, { logCacheBytes: 0 });
    await cluster.createTopic([{ replicas: [1, 3] }], { "min.insync.replicas": "1" });
    await withRecords(cluster, 6);
    const host = cluster.crash(3);
    cluster.fence(3);
    cluster.change({ isr: [1] });
    cluster.node(1).host.disk.flipBit(segment, 400);
    await expect(cluster.run(cluster.partition(1).read(2, 6, 1000))).rejects.toThrow("damaged");
    cluster.change({ replicas: [1, 3, 2], adding: [2] });
    await cluster.clock.advance(60_000);
    expect([cluster.record().isr, cluster.partition(2).log.endOffset]).toEqual([[1], 2]);
    expect(linesOf(cluster, "cannot go on")).toMatchObject([
      { fields: { reason: expect.stringContaining("another of its replicas may have them") } },
    ]);
    await cluster.boot(3, host.restart());
    await cluster.until(() => cluster.record().isr.length === 3);
    expect(cluster.resigned).toEqual([{ nodeId: 1, isr: [3] }]);
    const content = await bytesOf(cluster, cluster.partition(3));
    for (const nodeId of [1, 2]) expect(await bytesOf(cluster, cluster.partition(nodeId))).toBe(content);
  });

  test("also where the log begins with it", async () => {
    const cluster = await damaged(2, { from: 0, at: 80 });
    cluster.change({ replicas: [1, 2], adding: [2] });
    await cluster.until(() => cluster.record().isr.includes(2));
    expect(cluster.partition(2).log.unserved).toMatchObject([{ from: 0, until: 1 }]);
    expect([cluster.partition(2).log.startOffset, cluster.partition(2).log.endOffset]).toEqual([0, 6]);
  });

  test("P15: who waits for a batch that is lost is told so, now and when it sends it again, although the high watermark passes it", async () => {
    const cluster = await ReplicationCluster.start(2, { logCacheBytes: 0 });
    await cluster.createTopic([{ replicas: [1, 2] }]);
    await withRecords(cluster, 1);
    const leader = cluster.partition(1);
    const host = cluster.crash(2);
    const idempotent = { valueBytes: 100, producerId: 7, timeoutMs: 60_000 };
    const sent = [0, 1].map((sequence) => produce(leader, `w${sequence}`, { ...idempotent, sequence }));
    await cluster.until(() => leader.log.durableOffset === 3);
    cluster.change({ isr: [1], elr: [2] });
    cluster.node(1).host.disk.flipBit(segment, (await cluster.run(leader.read(0, 1, 1))).bytes + 150);
    // Nobody can take over before the follower is offered what comes next.
    cluster.unreachable = true;
    await cluster.boot(2, host.restart());
    await cluster.clock.advance(1000);
    cluster.unreachable = false;
    await cluster.until(() => leader.highWatermark === 3);
    expect(leader.log.unserved).toMatchObject([{ from: 1, until: 2 }]);
    expect(sent.map(({ outcome }) => outcome)).toEqual(["KAFKA_STORAGE_ERROR", "acknowledged"]);
    expect(() => produce(leader, "w0", { ...idempotent, sequence: 0 })).toThrow("it is lost");
  });

  test("what an operator gave up is stepped over by a new replica too", async () => {
    const cluster = await damaged(2);
    await cluster.run(cluster.partition(1).log.acceptLoss());
    cluster.change({ replicas: [1, 2], adding: [2] });
    await cluster.until(() => cluster.record().isr.includes(2));
    expect(await bytesOf(cluster, cluster.partition(2))).toBe(await bytesOf(cluster, cluster.partition(1)));
  });
});

test("P15: what waits while too few come to be in sync is told so, not that the time is over", async () => {
  const cluster = await ReplicationCluster.start(2);
  await cluster.createTopic([{ replicas: [1, 2] }]);
  await withRecords(cluster, 1);
  cluster.crash(2);
  const waiting = produce(cluster.partition(1), "a", { timeoutMs: 3000 });
  const slow = produce(cluster.partition(1), "b", { timeoutMs: 500 });
  await cluster.until(() => slow.outcome !== undefined);
  cluster.change({ isr: [1], elr: [2] });
  await cluster.until(() => waiting.outcome !== undefined);
  expect([slow.outcome, waiting.outcome]).toEqual(["REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS_AFTER_APPEND"]);
});
