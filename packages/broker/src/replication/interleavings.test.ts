import { DiskError, type MemoryHost } from "@ottla/host";
import { describe, expect, test } from "vitest";
import { bytesOf, produce, ReplicationCluster, topicId } from "./replication.test.kit.ts";

const isSegment = (path: string): boolean => path.endsWith(".log");

/** Writes to segments take this long. */
function slow({ disk }: MemoryHost, ms: number): void {
  disk.latencyMs = (operation, path) => (operation === "write" && isSegment(path) ? ms : 0);
}

/** Writes to segments that begin from now on find no room. */
function full({ disk }: MemoryHost): void {
  disk.fault = (operation, path) => {
    if (operation === "write" && isSegment(path)) throw new DiskError("write", path, "ENOSPC");
  };
}

describe("batches that a follower has taken and not yet written", () => {
  test("P5: when the disk takes them back from one that leads since, no follower that holds them counts for what comes in their place", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    const first = produce(cluster.partition(1), "a");
    await cluster.until(() => first.outcome === "acknowledged");
    const { host } = cluster.node(2);
    slow(host, 1000);
    produce(cluster.partition(1), "b");
    await cluster.until(() => cluster.partition(2).log.endOffset === 2);
    produce(cluster.partition(1), "c");
    await cluster.until(() => cluster.partition(2).log.endOffset === 3 && cluster.partition(3).log.durableOffset === 3);
    expect(cluster.partition(2).log.writtenOffset).toBe(1);
    full(host);
    cluster.crash(1);
    cluster.elect(2, [2, 3]);
    await cluster.until(() => cluster.partition(2).log.failure !== null);
    host.disk.fault = null;
    slow(host, 0);
    await cluster.until(() => cluster.partition(2).role === "leader" && !cluster.partition(2).failed);
    await cluster.until(() => cluster.partition(2).leader?.inSync.held(3) !== undefined);
    const sent = produce(cluster.partition(2), "x");
    await cluster.until(() => sent.outcome !== undefined);
    expect(sent.outcome).toBe("acknowledged");
    expect(await bytesOf(cluster, cluster.partition(3))).toBe(await bytesOf(cluster, cluster.partition(2)));
    expect(cluster.partition(2).requireReadable(-1).end).toBe(cluster.partition(2).log.endOffset);
  });

  test.each(["os", "commit"])("P7: they count for no high watermark in a new epoch (%s)", async (policy) => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }], { "flush.policy": policy });
    const first = produce(cluster.partition(1), "a");
    await cluster.until(() => first.outcome === "acknowledged");
    slow(cluster.node(2).host, 1000);
    produce(cluster.partition(1), "b");
    await cluster.until(() => cluster.partition(2).log.endOffset === 2);
    produce(cluster.partition(1), "c");
    await cluster.until(() => cluster.partition(2).log.endOffset === 3 && cluster.partition(3).log.writtenOffset === 3);
    cluster.crash(1);
    cluster.elect(3, [2, 3]);
    await cluster.until(() => {
      expect(cluster.partition(3).highWatermark).toBeLessThanOrEqual(cluster.partition(2).log.writtenOffset);
      return cluster.partition(3).highWatermark === 3;
    });
  });
});

describe("a proposal whose fate is not known", () => {
  test("P6: it counts until the image tells, also when the answer says that another leads by now", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3], isr: [1, 2] }]);
    // The controllers hear of the wish and commit it; the answer is lost, and no news reaches the leader.
    const alter = cluster.alter.bind(cluster);
    let asked = 0;
    cluster.alter = async (nodeId, command) => {
      const reply = await alter(nodeId, command);
      if (asked++ > 0) return reply;
      cluster.elect(3, [1, 2, 3]);
      cluster.unreachable = false;
      throw new Error("the answer is lost");
    };
    cluster.deaf.add(1).add(2);
    await cluster.until(() => asked === 2);
    // The former leader and one follower have not heard of the new epoch.
    const sent = produce(cluster.partition(1), "a");
    await cluster.clock.advance(5000);
    expect(sent.outcome).toBe(undefined);
    expect(cluster.partition(1).highWatermark).toBe(0);
  });
});

test("P3: a replica that is taken away and given back counts only with what it holds after that, however late it hears of it", async () => {
  const cluster = await ReplicationCluster.start(3);
  await cluster.createTopic([{ replicas: [1, 2, 3] }]);
  const sent = produce(cluster.partition(1), "a");
  await cluster.until(() => sent.outcome === "acknowledged");
  // Its log goes as soon as it hears of the first change.
  cluster.deaf.add(3);
  cluster.change({ replicas: [1, 2], isr: [1, 2], leaderEpoch: cluster.record().leaderEpoch + 1 });
  cluster.change({ replicas: [1, 2, 3], adding: [3] });
  await cluster.clock.advance(2000);
  expect(cluster.record().isr).toEqual([1, 2]);
});

test("a batch that was within max.message.bytes when it came goes to new replicas also after the limit was lowered", async () => {
  const cluster = await ReplicationCluster.start(2);
  await cluster.createTopic([{ replicas: [1] }], { "max.message.bytes": String(8 << 20), "min.insync.replicas": "1" });
  const sent = produce(cluster.partition(1), "a", { valueBytes: 5_000_000 });
  await cluster.until(() => sent.outcome === "acknowledged");
  cluster.commit({ case: "config", value: { resourceType: 2, resource: topicId, name: "max.message.bytes", value: "1000" } });
  cluster.change({ replicas: [1, 2], adding: [2] });
  await cluster.until(() => cluster.record().isr.includes(2));
  expect(await bytesOf(cluster, cluster.partition(2))).toBe(await bytesOf(cluster, cluster.partition(1)));
});

test("while replicas are being added, as many must be in sync as before: they are still empty", async () => {
  const cluster = await ReplicationCluster.start(3, { minInsyncReplicas: -1 });
  await cluster.createTopic([{ replicas: [1] }]);
  cluster.node(1).host.network.trouble({ stalled: true }, "n2");
  cluster.node(1).host.network.trouble({ stalled: true }, "n3");
  cluster.change({ replicas: [1, 2, 3], adding: [2, 3] });
  const sent = produce(cluster.partition(1), "a");
  await cluster.until(() => sent.outcome !== undefined);
  expect(sent.outcome).toBe("acknowledged");
});

test("a follower is answered that asked while its leader's log recovered, also when nothing else happens in the cluster", async () => {
  const cluster = await ReplicationCluster.start(2);
  await cluster.createTopic([{ replicas: [1] }], { "min.insync.replicas": "1" });
  const sent = [0, 1, 2].map((at) => produce(cluster.partition(1), `${at}`));
  await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
  await cluster.run(cluster.partition(1).deleteRecords(2, 10_000));
  full(cluster.node(1).host);
  produce(cluster.partition(1), "lost");
  await cluster.until(() => cluster.partition(1).failed);
  cluster.change({ replicas: [1, 2], adding: [2] });
  await cluster.until(() => cluster.partition(2).role === "follower");
  await cluster.clock.advance(100);
  cluster.node(1).host.disk.fault = null;
  await cluster.until(() => cluster.record().isr.includes(2));
  expect(cluster.partition(2).log.startOffset).toBe(2);
});

test.each([
  ["within a batch", 3],
  ["between batches", 5],
])("P5: a replica that differs where its leader's log begins by now, %s, begins anew there", async (_where, start) => {
  const cluster = await ReplicationCluster.start(3);
  await cluster.createTopic([{ replicas: [1, 2, 3] }]);
  const kept = produce(cluster.partition(1), "kept");
  await cluster.until(() => kept.outcome === "acknowledged");
  for (const other of ["n2", "n3"]) cluster.node(1).host.network.trouble({ stalled: true }, other);
  for (let at = 0; at < 6; at++) produce(cluster.partition(1), `lost${at}`);
  await cluster.clock.advance(500);
  const host = cluster.crash(1, "all").restart();
  cluster.elect(2, [2, 3]);
  await cluster.until(() => cluster.partition(2).role === "leader");
  const later = [produce(cluster.partition(2), "later", { count: 4 }), produce(cluster.partition(2), "last")];
  await cluster.until(() => later.every(({ outcome }) => outcome === "acknowledged"));
  cluster.fence(1);
  await cluster.run(cluster.partition(2).deleteRecords(start, 10_000));
  // What it does not delete at once is seen.
  host.disk.latencyMs = (operation, path) => (operation === "rename" && path.includes(".snapshot") ? 5000 : 0);
  await cluster.boot(1, host);
  await cluster.until(() => cluster.record().isr.includes(1) || cluster.partition(1).log.startOffset > 0);
  expect(await bytesOf(cluster, cluster.partition(1))).not.toContain("lost");
  await cluster.until(() => cluster.record().isr.includes(1));
  expect(await bytesOf(cluster, cluster.partition(1))).toBe(await bytesOf(cluster, cluster.partition(2)));
});

test("a follower whose disk fails while it reads its producers again, after a cut, goes on once the disk does", async () => {
  const cluster = await ReplicationCluster.start(3);
  await cluster.createTopic([{ replicas: [1, 2, 3] }]);
  const kept = produce(cluster.partition(1), "kept");
  await cluster.until(() => kept.outcome === "acknowledged");
  for (const other of ["n2", "n3"]) cluster.node(1).host.network.trouble({ stalled: true }, other);
  produce(cluster.partition(1), "lost");
  await cluster.clock.advance(500);
  cluster.elect(2, [2, 3]);
  cluster.node(1).host.disk.failNext("list", "EIO");
  for (const other of ["n2", "n3"]) cluster.node(1).host.network.trouble({}, other);
  await cluster.until(() => cluster.record().isr.includes(1));
  expect(cluster.told.filter(({ message }) => message.includes("in line with its leader"))).toHaveLength(1);
});

test("a follower that cannot begin anew for want of space asks again now and then, and not all the time", async () => {
  const cluster = await ReplicationCluster.start(2);
  await cluster.createTopic([{ replicas: [1] }], { "min.insync.replicas": "1" });
  const sent = [0, 1, 2].map((at) => produce(cluster.partition(1), `${at}`));
  await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
  await cluster.run(cluster.partition(1).deleteRecords(2, 10_000));
  const { disk } = cluster.node(2).host;
  disk.fault = (operation, path) => {
    if (operation === "write" && path.includes(".snapshot")) throw new DiskError("write", path, "ENOSPC");
  };
  cluster.change({ replicas: [1, 2], adding: [2] });
  await cluster.clock.advance(3000);
  expect(cluster.told.filter(({ message }) => message.includes("in line with its leader")).length).toBeLessThan(20);
  disk.fault = null;
  await cluster.until(() => cluster.record().isr.includes(2));
});

test("P16: what the disk took back from a follower is below no high watermark when it is made to lead all the same", async () => {
  const cluster = await ReplicationCluster.start(2);
  cluster.node(1).host.network.trouble({ stalled: true }, "n2");
  await cluster.createTopic([{ replicas: [1, 2], isr: [1] }], { "min.insync.replicas": "1" });
  const sent = [0, 1].map((at) => produce(cluster.partition(1), `${at}`));
  await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
  full(cluster.node(2).host);
  cluster.node(1).host.network.trouble({}, "n2");
  await cluster.until(() => cluster.partition(2).log.failure !== null);
  cluster.crash(1);
  cluster.elect(2, [2]);
  await cluster.until(() => cluster.partition(2).role === "leader");
  expect([cluster.partition(2).log.endOffset, cluster.partition(2).highWatermark]).toEqual([0, 0]);
});
