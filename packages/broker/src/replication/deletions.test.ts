import { DiskError } from "@ottla/host";
import { expect, test } from "vitest";
import { produce, ReplicationCluster } from "./replication.test.kit.ts";

async function withRecords(count: number): Promise<ReplicationCluster> {
  const cluster = await ReplicationCluster.start(3);
  await cluster.createTopic([{ replicas: [1, 2, 3] }]);
  const sent = Array.from({ length: count }, (_, at) => produce(cluster.partition(1), `v${at}`));
  await cluster.until(() => sent.every(({ outcome }) => outcome === "acknowledged"));
  return cluster;
}

/** Deletes at the leader and notes how it ends. */
function remove(cluster: ReplicationCluster, before: number, timeoutMs: number): { outcome: number | string | undefined } {
  const removed: { outcome: number | string | undefined } = { outcome: undefined };
  cluster
    .partition(1)
    .deleteRecords(before, timeoutMs)
    .then(
      (start) => (removed.outcome = start),
      (error: Error) => (removed.outcome = error.message),
    );
  return removed;
}

test("deleted records are answered as deleted once no other replica shows them, whoever leads and whatever crashes then", async () => {
  const cluster = await withRecords(5);
  const { disk } = cluster.node(3).host;
  disk.latencyMs = (operation, path) => (operation === "sync" && path.includes("states.journal") ? 1500 : 0);
  const removed = remove(cluster, 3, 10_000);
  await cluster.until(() => cluster.partition(2).log.durableStart === 3 && cluster.partition(3).log.startOffset === 3);
  await cluster.clock.advance(1000);
  expect(removed.outcome, "a crash of broker 3 would bring them back").toBe(undefined);
  await cluster.until(() => removed.outcome !== undefined);
  expect(removed.outcome).toBe(3);
  disk.latencyMs = () => 0;
  const host = cluster.crash(3).restart();
  cluster.crash(1);
  await cluster.boot(3, host);
  cluster.elect(3, [2, 3]);
  await cluster.until(() => cluster.partition(3).role === "leader");
  expect(cluster.partition(3).log.startOffset).toBe(3);
});

test("a live replica that cannot be told is named when the time is over; one that is given up does not count", async () => {
  const cluster = await withRecords(5);
  cluster.node(1).host.network.trouble({ stalled: true }, "n3");
  const removed = remove(cluster, 3, 2000);
  await cluster.until(() => removed.outcome !== undefined);
  expect(removed.outcome).toMatch(/below offset 3 are deleted at its leader, but not yet at brokers 3 within 2000 ms/);
  expect(cluster.partition(1).log.startOffset).toBe(3);
  const again = remove(cluster, 3, 30_000);
  await cluster.clock.advance(500);
  expect(again.outcome).toBe(undefined);
  cluster.fence(3);
  cluster.change({ isr: [1, 2] });
  await cluster.until(() => again.outcome !== undefined);
  expect(again.outcome).toBe(3);
});

test("a replica that may be elected counts also while it is away", async () => {
  const cluster = await withRecords(5);
  cluster.crash(3);
  cluster.fence(3);
  cluster.change({ isr: [1, 2], elr: [3] });
  const removed = remove(cluster, 3, 2000);
  await cluster.until(() => removed.outcome !== undefined);
  expect(removed.outcome).toContain("brokers 3");
});

test("a replica that still shows deleted records does not become eligible to lead", async () => {
  const cluster = await withRecords(5);
  const host = cluster.crash(3);
  cluster.fence(3);
  cluster.change({ isr: [1, 2] });
  const removed = remove(cluster, 3, 10_000);
  await cluster.until(() => removed.outcome === 3);
  const back = host.restart();
  back.disk.fault = (operation, path) => {
    if (operation === "write" && path.includes(".snapshot")) throw new DiskError("write", path, "ENOSPC");
  };
  await cluster.boot(3, back);
  await cluster.clock.advance(5000);
  expect([cluster.record().isr, cluster.partition(3).log.endOffset]).toEqual([[1, 2], 5]);
  back.disk.fault = null;
  produce(cluster.partition(1), "news");
  await cluster.until(() => cluster.record().isr.includes(3));
  expect(cluster.partition(3).log.startOffset).toBe(3);
});
