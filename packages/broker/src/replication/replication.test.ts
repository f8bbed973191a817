import { describe, expect, test } from "vitest";
import { bytesOf, produce, ReplicationCluster, topicId } from "./replication.test.kit.ts";

describe("the main path", () => {
  test("P5, P15: what is acknowledged lies on all three disks, byte for byte, and below the high watermark", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    const leader = cluster.partition(1);
    const sent = Array.from({ length: 20 }, (_, at) => produce(leader, `v${at}`, { count: 1 + (at % 3) }));
    await cluster.until(() => sent.every(({ outcome }) => outcome !== undefined));
    expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set(["acknowledged"]));
    const content = await bytesOf(cluster, leader);
    for (const nodeId of [2, 3]) {
      const follower = cluster.partition(nodeId);
      expect(follower.role).toBe("follower");
      expect(follower.log.durableOffset).toBe(leader.highWatermark);
      expect(await bytesOf(cluster, follower)).toBe(content);
    }
    await cluster.until(() => cluster.partition(2).highWatermark === leader.highWatermark, 1000);
  });

  test("P7: nothing is acknowledged while a member of the in-sync set does not hold it", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    await cluster.until(() => cluster.partition(1).leader?.inSync.held(3) !== undefined);
    cluster.node(1).host.network.trouble({ stalled: true }, "n3");
    const sent = produce(cluster.partition(1), "a");
    await cluster.clock.advance(2000);
    expect([sent.outcome, cluster.partition(1).highWatermark]).toEqual([undefined, 0]);
    await cluster.until(() => sent.outcome !== undefined);
    // It has left the set after replica.lag.time.max.ms.
    expect([sent.outcome, cluster.record().isr]).toEqual(["acknowledged", [1, 2]]);
    cluster.node(1).host.network.trouble({}, "n3");
    await cluster.until(() => cluster.record().isr.length === 3);
    expect(cluster.partition(3).log.durableOffset).toBe(1);
  });

  test("a batch larger than a frame goes in chunks, and many small ones travel together", async () => {
    const cluster = await ReplicationCluster.start(2);
    await cluster.createTopic([{ replicas: [1, 2] }], { "max.message.bytes": String(8 << 20) });
    const leader = cluster.partition(1);
    const sent = [produce(leader, "a"), produce(leader, "b", { valueBytes: 3_500_000 }), produce(leader, "c")];
    for (let at = 0; at < 2000; at++) sent.push(produce(leader, `${at}`, { valueBytes: 900 }));
    await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
    expect(await bytesOf(cluster, cluster.partition(2))).toBe(await bytesOf(cluster, leader));
  });
});

describe("failover", () => {
  test("P4, P13: what the former leader alone had is cut when it comes back, and what was acknowledged stays", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    const kept = produce(cluster.partition(1), "kept");
    await cluster.until(() => kept.outcome === "acknowledged");
    for (const other of ["n2", "n3"]) cluster.node(1).host.network.trouble({ stalled: true }, other);
    const lost = produce(cluster.partition(1), "lost", { count: 3 });
    await cluster.clock.advance(500);
    cluster.deaf.add(1);
    cluster.elect(2, [2, 3]);
    await cluster.until(() => cluster.partition(2).role === "leader");
    const later = produce(cluster.partition(2), "later");
    await cluster.until(() => later.outcome === "acknowledged");
    expect(lost.outcome).toBe(undefined);
    const host = cluster.crash(1, "all").restart();
    cluster.deaf.clear();
    await cluster.boot(1, host);
    await cluster.until(() => cluster.record().isr.length === 3);
    expect(cluster.truncations).toMatchObject([{ partition: 0, fromEnd: 4, toEnd: 1 }]);
    expect(cluster.partition(1).traffic).toMatchObject({ truncations: 1, truncatedRecords: 3 });
    expect(cluster.partition(2).traffic).toMatchObject({ truncations: 0, truncatedRecords: 0 });
    expect(await bytesOf(cluster, cluster.partition(1))).toBe(await bytesOf(cluster, cluster.partition(2)));
    expect(cluster.partition(2).highWatermark).toBe(2);
  });

  test("P14, P16: a leader that was deposed without hearing of it acknowledges nothing more", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    const kept = produce(cluster.partition(1), "kept");
    await cluster.until(() => kept.outcome === "acknowledged");
    cluster.deaf.add(1);
    cluster.elect(3, [2, 3]);
    await cluster.until(() => cluster.partition(3).role === "leader" && cluster.partition(2).role === "follower");
    const zombie = produce(cluster.partition(1), "zombie");
    const real = produce(cluster.partition(3), "real");
    await cluster.until(() => real.outcome !== undefined && zombie.outcome !== undefined);
    expect([real.outcome, zombie.outcome]).toEqual(["acknowledged", "REQUEST_TIMED_OUT"]);
    expect(cluster.partition(1).highWatermark).toBe(1);
  });

  test("P17: a follower that becomes leader knows its leader's producers, also those whose batches are deleted", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2] }]);
    const leader = cluster.partition(1);
    const old = produce(leader, "old", { producerId: 7, sequence: 0 });
    const sent = [0, 1, 2, 3].map((sequence) => produce(leader, `${sequence}`, { producerId: 8, sequence }));
    await cluster.until(() => [old, ...sent].every(({ outcome }) => outcome === "acknowledged"));
    await cluster.run(leader.deleteRecords(3, 10_000));
    await cluster.until(() => cluster.partition(2).log.startOffset === 3);
    // A third replica begins where the log begins now.
    cluster.change({ replicas: [1, 2, 3] });
    await cluster.until(() => cluster.record().isr.includes(3));
    expect([cluster.partition(3).log.startOffset, cluster.partition(3).log.endOffset]).toEqual([3, 5]);
    cluster.elect(3, [3, 2]);
    await cluster.until(() => cluster.partition(3).role === "leader");
    const resent = produce(cluster.partition(3), "old", { producerId: 7, sequence: 0 });
    const other = produce(cluster.partition(3), "3", { producerId: 8, sequence: 3 });
    await cluster.until(() => resent.outcome !== undefined && other.outcome !== undefined);
    expect([resent, other]).toEqual([
      { offset: 0, outcome: "acknowledged" },
      { offset: 4, outcome: "acknowledged" },
    ]);
    expect(() => produce(cluster.partition(3), "gap", { producerId: 8, sequence: 9 })).toThrow(
      /OUT_OF_ORDER|records before these are missing/,
    );
  });

  test("all lose their power at once: what was acknowledged is there, and is told to readers only once it is known to be committed", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    const sent = Array.from({ length: 5 }, (_, at) => produce(cluster.partition(1), `v${at}`));
    await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
    const content = await bytesOf(cluster, cluster.partition(1));
    const hosts = [1, 2, 3].map((nodeId) => cluster.crash(nodeId));
    for (const [at, host] of hosts.entries()) await cluster.boot(at + 1, host.restart());
    cluster.elect(2, [1, 2, 3]);
    expect(() => cluster.partition(2).requireReadable(-1)).toThrow("does not yet know what is committed");
    await cluster.until(() => cluster.partition(2).highWatermark === 5);
    expect(cluster.partition(2).requireReadable(-1).end).toBe(5);
    expect(await bytesOf(cluster, cluster.partition(2))).toBe(content);
  });
});

describe("the in-sync set", () => {
  test("P8: a replica that was away comes back only when it holds all that is committed", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    const host = cluster.crash(3);
    cluster.change({ isr: [1, 2] });
    const sent = Array.from({ length: 300 }, (_, at) => produce(cluster.partition(1), `v${at}`, { valueBytes: 20_000 }));
    await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
    await cluster.boot(3, host.restart());
    await cluster.until(() => {
      const { isr } = cluster.record();
      if (isr.includes(3)) expect(cluster.partition(3).log.durableOffset).toBeGreaterThanOrEqual(300);
      return isr.includes(3);
    });
  });

  test("P6: while nobody knows whether a proposal was committed, its members count", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3], isr: [1, 2] }]);
    cluster.unreachable = true;
    await cluster.until(() => cluster.partition(1).leader?.inSync.maximal.includes(3) === true);
    cluster.node(1).host.network.trouble({ stalled: true }, "n3");
    const sent = produce(cluster.partition(1), "a");
    await cluster.clock.advance(3000);
    expect([sent.outcome, cluster.record().isr]).toEqual([undefined, [1, 2]]);
    cluster.node(1).host.network.trouble({}, "n3");
    await cluster.until(() => sent.outcome === "acknowledged");
    cluster.unreachable = false;
    await cluster.until(() => cluster.record().isr.includes(3));
  });

  test("without enough replicas in sync nothing is appended with acks=all, and a duplicate is not acknowledged", async () => {
    const cluster = await ReplicationCluster.start(2);
    await cluster.createTopic([{ replicas: [1, 2] }]);
    const sent = produce(cluster.partition(1), "a", { producerId: 1 });
    await cluster.until(() => sent.outcome === "acknowledged");
    cluster.crash(2);
    cluster.change({ isr: [1] });
    expect(() => produce(cluster.partition(1), "b", { producerId: 1, sequence: 1 })).toThrow(/min.insync.replicas is 2/);
    const duplicate = produce(cluster.partition(1), "a", { producerId: 1 });
    await cluster.clock.advance(1);
    expect(duplicate.outcome).toBe("NOT_ENOUGH_REPLICAS_AFTER_APPEND");
  });
});

describe("damage", () => {
  test("a damaged log is told at registration, cut at the damage once another replica leads, and fetched anew", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    const sent = Array.from({ length: 6 }, (_, at) => produce(cluster.partition(1), `v${at}`, { valueBytes: 100 }));
    await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
    await cluster.clock.advance(100);
    const host = cluster.crash(3, "all").restart();
    cluster.change({ isr: [1, 2] });
    host.disk.flipBit(`/data/log/${topicId}-0/${"0".repeat(20)}.log`, 400);
    const { found } = await cluster.boot(3, host);
    expect(found).toMatchObject([{ partition: 0, kind: 1, lastEpoch: 0, endOffset: 2 }]);
    await cluster.until(() => cluster.record().isr.includes(3));
    expect(cluster.partition(3).log.damaged).toEqual([]);
    expect(await bytesOf(cluster, cluster.partition(3))).toBe(await bytesOf(cluster, cluster.partition(1)));
  });

  test("a leader whose log turns out to be damaged leaves the in-sync set when others can lead", async () => {
    const cluster = await ReplicationCluster.start(3, { logCacheBytes: 0 });
    await cluster.createTopic([{ replicas: [1, 2, 3] }]);
    const sent = Array.from({ length: 6 }, (_, at) => produce(cluster.partition(1), `v${at}`, { valueBytes: 100 }));
    await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
    cluster.node(1).host.disk.flipBit(`/data/log/${topicId}-0/${"0".repeat(20)}.log`, 400);
    await expect(cluster.run(cluster.partition(1).read(2, 6, 1000))).rejects.toThrow("damaged");
    await cluster.until(() => cluster.resigned.length > 0);
    expect(cluster.resigned).toEqual([{ nodeId: 1, isr: [2, 3] }]);
  });
});

describe("replicas come and go", () => {
  test("rule 9: the log of a replica that is moved away is removed once the assignment says so, and one that comes back begins anew", async () => {
    const cluster = await ReplicationCluster.start(3);
    await cluster.createTopic([{ replicas: [1, 2] }]);
    const sent = produce(cluster.partition(1), "a");
    await cluster.until(() => sent.outcome === "acknowledged");
    cluster.change({ replicas: [1, 3], isr: [1] });
    await cluster.until(() => cluster.record().isr.includes(3));
    await cluster.until(() => cluster.node(2).directory.names().length === 0);
    expect(cluster.node(2).partitions.get(topicId, 0)).toBe(undefined);
    cluster.change({ replicas: [1, 3, 2] });
    await cluster.until(() => cluster.record().isr.includes(2));
    expect(cluster.partition(2).log.durableOffset).toBe(1);
  });

  test("a new replica gets no more than the rate that was asked", async () => {
    const cluster = await ReplicationCluster.start(2);
    await cluster.createTopic([{ replicas: [1] }], { "min.insync.replicas": "1" });
    const sent = Array.from({ length: 100 }, (_, at) => produce(cluster.partition(1), `v${at}`, { valueBytes: 100_000 }));
    await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
    const beganMs = cluster.clock.monotonicMs();
    cluster.change({ replicas: [1, 2], adding: [2], addingRate: 2_000_000 });
    await cluster.until(() => cluster.record().isr.includes(2));
    const tookMs = cluster.clock.monotonicMs() - beganMs;
    expect(tookMs).toBeGreaterThan(3_500);
    expect(tookMs).toBeLessThan(7_000);
  });
});

test("a follower that takes nothing costs its leader two frames, and no other partition or follower waits for it", async () => {
  const cluster = await ReplicationCluster.start(3, { logCacheBytes: 1 << 20 });
  await cluster.createTopic([{ replicas: [1, 2, 3], isr: [1, 2] }]);
  cluster.node(1).host.network.trouble({ stalled: true }, "n3");
  for (let round = 0; round < 10; round++) {
    const sent = Array.from({ length: 20 }, (_, at) => produce(cluster.partition(1), `${round}-${at}`, { valueBytes: 100_000 }));
    await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
  }
  cluster.node(1).host.network.trouble({}, "n3");
  await cluster.until(() => cluster.record().isr.includes(3));
  expect(await bytesOf(cluster, cluster.partition(3))).toBe(await bytesOf(cluster, cluster.partition(1)));
});
