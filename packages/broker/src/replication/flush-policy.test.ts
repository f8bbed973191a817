import { expect, test } from "vitest";
import { produce, ReplicationCluster, topicId } from "./replication.test.kit.ts";

const UNCLEAN = 2;

async function relaxedTopic(): Promise<ReplicationCluster> {
  const cluster = await ReplicationCluster.start(2);
  await cluster.createTopic([{ replicas: [1, 2] }], { "flush.policy": "os" });
  return cluster;
}

function commitFromNowOn(cluster: ReplicationCluster): void {
  cluster.commit({ case: "config", value: { resourceType: 2, resource: topicId, name: "flush.policy", value: "commit" } });
}

test("P9: records acknowledged under a policy that does not sync make a replica unclean after a crash, also under commit, until it has synced them", async () => {
  const cluster = await relaxedTopic();
  const { host } = cluster.node(2);
  const sent = produce(cluster.partition(1), "a");
  await cluster.until(() => sent.outcome === "acknowledged");
  expect(cluster.partition(2).log.durableOffset).toBe(0);
  host.disk.latencyMs = (operation, path) => (operation === "sync" && path.endsWith(".log") ? 60_000 : 0);
  commitFromNowOn(cluster);
  await cluster.clock.advance(1000);
  const { found } = await cluster.boot(2, cluster.crash(2).restart());
  expect(found).toMatchObject([{ partition: 0, kind: UNCLEAN, endOffset: 0 }]);
});

test("once all of them are synced under commit it is clean again", async () => {
  const cluster = await relaxedTopic();
  const sent = produce(cluster.partition(1), "a");
  await cluster.until(() => sent.outcome === "acknowledged");
  commitFromNowOn(cluster);
  await cluster.until(() => !cluster.partition(2).log.relaxed);
  await cluster.clock.advance(1000);
  const { found } = await cluster.boot(2, cluster.crash(2).restart());
  expect(found).toEqual([]);
  expect(cluster.partition(2).log.endOffset).toBe(1);
});

test("P9: a follower counts by what it has written only when it has noted that this is not safe; a crash before is told by its log's end", async () => {
  const cluster = await relaxedTopic();
  const { disk } = cluster.node(2).host;
  disk.latencyMs = (operation, path) => (operation === "sync" && path.includes("states.journal") ? 1000 : 0);
  const sent = produce(cluster.partition(1), "a");
  await cluster.until(() => cluster.partition(2).log.writtenOffset === 1);
  await cluster.clock.advance(900);
  expect(sent.outcome).toBe(undefined);
  await cluster.until(() => sent.outcome === "acknowledged");
  expect(cluster.partition(2).log.relaxed).toBe(true);
});

test("P9: a follower that has heard of commit counts by what is synced, also at a leader that has not heard of it", async () => {
  const cluster = await relaxedTopic();
  const first = produce(cluster.partition(1), "a");
  await cluster.until(() => first.outcome === "acknowledged");
  let syncs = 0;
  cluster.node(2).host.disk.latencyMs = (operation, path) => {
    if (operation !== "sync" || !path.endsWith(".log")) return 0;
    return ++syncs === 1 ? 200 : 60_000;
  };
  cluster.deaf.add(1);
  commitFromNowOn(cluster);
  await cluster.clock.advance(20);
  // So large that it is written while what came before it is synced.
  const second = produce(cluster.partition(1), "b", { valueBytes: 300 << 10 });
  await cluster.until(() => cluster.partition(2).log.writtenOffset === 2);
  await cluster.until(() => !cluster.partition(2).log.relaxed);
  await cluster.clock.advance(1000);
  expect(second.outcome).toBe(undefined);
  const { found } = await cluster.boot(2, cluster.crash(2).restart());
  expect([found, cluster.partition(2).log.endOffset]).toEqual([[], 1]);
});

test("what was appended under commit is acknowledged although the policy is a weaker one when it is written", async () => {
  const cluster = await ReplicationCluster.start(2);
  await cluster.createTopic([{ replicas: [1, 2] }]);
  for (const { host } of cluster.nodes.values()) host.disk.latencyMs = (operation) => (operation === "write" ? 50 : 0);
  const sent = produce(cluster.partition(1), "a");
  await cluster.clock.advance(10);
  cluster.commit({ case: "config", value: { resourceType: 2, resource: topicId, name: "flush.policy", value: "os" } });
  await cluster.until(() => sent.outcome === "acknowledged");
});
