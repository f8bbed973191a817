import type { MemoryHost } from "@ottla/host";
import { expect, test } from "vitest";
import { DIRECTORY, TestCluster } from "./cluster.test.kit.ts";
import { ClusterBroker } from "./cluster-broker.test.kit.ts";

const config = { controllerLogCheckpointRecords: 12 };

/** Committed offsets of group "g" that a restart of any one controller must still know; the log no longer begins at its first entry. */
async function trimmedCluster(seed = 7): Promise<{ cluster: TestCluster; broker: ClusterBroker }> {
  const cluster = await TestCluster.of([1, 2, 3], { config }, seed);
  const broker = await ClusterBroker.join(cluster);
  await broker.createTopic("orders");
  for (let offset = 1; offset <= 60; offset++) await broker.commit(offset);
  await cluster.settled();
  expect((await cluster.leader()).controller.status.firstIndex).toBeGreaterThan(10);
  return { cluster, broker };
}

async function votesWithNewDirectory(cluster: TestCluster, nodeId: number): Promise<void> {
  await cluster.clock.runUntil(() => {
    const inspection = cluster.node(nodeId).controller.inspect();
    return inspection?.voters.some((voter) => voter.nodeId === nodeId && voter.directoryId === inspection.directoryId) === true;
  }, 60_000);
  await cluster.settled();
}

test("a controller that lost its disk gets the leader's state, votes again, and carries on alone with one other", async () => {
  const { cluster, broker } = await trimmedCluster();
  const leader = await cluster.leader();
  const wiped = leader.nodeId === 3 ? 2 : 3;
  cluster.crash(wiped);
  for (let offset = 61; offset <= 80; offset++) await broker.commit(offset);
  await cluster.start(wiped);
  await votesWithNewDirectory(cluster, wiped);
  const samples = cluster.node(wiped).controller.samples();
  expect(samples.some(({ name }) => name === "ottla_raft_snapshots_received_total")).toBe(true);
  expect(digests(cluster).size).toBe(1);
  const gone = [1, 2, 3].find((nodeId) => nodeId !== wiped && nodeId !== leader.nodeId) ?? 0;
  cluster.crash(gone);
  await cluster.leader();
  for (let offset = 81; offset <= 90; offset++) await broker.commit(offset);
  expect(await broker.committed()).toBe(90);
  expect(cluster.alive.flatMap(({ fatal }) => fatal)).toEqual([]);
  await cluster.close();
});

const damages: [name: string, damage: (host: MemoryHost) => Promise<void>][] = [
  ["its vote is gone", async (host) => host.disk.remove(`${DIRECTORY}/vote`)],
  [
    "its checkpoints are damaged",
    async (host) => {
      host.stores.empty(`${DIRECTORY}/checkpoint-a`);
      host.stores.flipBit(`${DIRECTORY}/checkpoint-b`, 2, 12);
    },
  ],
];

test.each(damages)("a controller is rebuilt from the others under another directory id when %s", async (_name, damage) => {
  const { cluster } = await trimmedCluster();
  const leader = await cluster.leader();
  const damaged = leader.nodeId === 1 ? 2 : 1;
  const before = cluster.node(damaged).controller.inspect()?.directoryId;
  cluster.crash(damaged);
  const host = cluster.node(damaged).host.restart();
  await cluster.clock.run(damage(host));
  await cluster.start(damaged, { host });
  await votesWithNewDirectory(cluster, damaged);
  expect(cluster.node(damaged).controller.inspect()?.directoryId).not.toBe(before);
  expect(digests(cluster).size).toBe(1);
  const kept = await cluster.clock.run(host.disk.list("/data"));
  expect(kept.some((name) => name.startsWith("controller.damaged-"))).toBe(true);
  await cluster.close();
});

test("power goes at any disk operation while the leader's state is taken: the controller comes back and gets all of it", async () => {
  for (let at = 1; at <= 90; at += 1) {
    const { cluster } = await trimmedCluster(1000 + at);
    const leader = await cluster.leader();
    const wiped = leader.nodeId === 3 ? 2 : 3;
    cluster.crash(wiped);
    await cluster.leader();
    const node = await cluster.start(wiped);
    const first = node.host.disk.count();
    node.host.disk.fault = (_operation, _path, count) => (count === first + at ? "crash" : undefined);
    await cluster.clock.runUntil(
      () =>
        node.host.crashed ||
        node.controller.inspect()?.voters.some(({ directoryId }) => directoryId === node.controller.inspect()?.directoryId) === true,
      60_000,
    );
    if (node.host.crashed) await cluster.restart(wiped);
    await votesWithNewDirectory(cluster, wiped);
    expect(digests(cluster).size, `cut at operation ${at}`).toBe(1);
    cluster.node(wiped).host.disk.fault = () => undefined;
    node.host.disk.fault = () => undefined;
    await cluster.close();
  }
}, 60_000);

function digests(cluster: TestCluster): Set<string> {
  return new Set(cluster.alive.map(({ controller }) => Buffer.from(controller.inspect()?.digest ?? []).toString("hex")));
}
