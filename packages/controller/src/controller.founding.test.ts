import { silentLogger } from "@ottla/host";
import { expect, test } from "vitest";
import { addressOf, TestCluster } from "./cluster.test.kit.ts";

test("three empty voters found one cluster: all follow the same leader, with the same cluster id and voters", async () => {
  const cluster = await TestCluster.of([3, 2, 1]);
  await cluster.leader();
  await cluster.settled();
  const statuses = cluster.alive.map(({ controller }) => controller.status);
  expect(new Set(statuses.map(({ clusterId }) => clusterId)).size).toBe(1);
  expect(statuses[0]?.voters.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
  expect(statuses.every(({ leader }) => leader === 1)).toBe(true);
  expect(new Set(cluster.alive.map(({ controller }) => Buffer.from(controller.inspect()?.digest ?? []).toString("hex"))).size).toBe(1);
  await cluster.close();
});

test("nobody founds while a listed voter cannot be reached, and each names it", async () => {
  const cluster = await TestCluster.of([1, 2]);
  await cluster.clock.advance(20_000);
  for (const { controller } of cluster.alive) {
    expect(controller.status.clusterId).toBeNull();
    expect(controller.status.waitingFor.join()).toContain("controller 3 at node3:9095 cannot be reached");
  }
  await cluster.start(3);
  await cluster.leader();
  await cluster.close();
});

test("voters whose lists differ found nothing and name both lists", async () => {
  const cluster = await TestCluster.of([1, 2, 3], { listed: (nodeId) => (nodeId === 3 ? [1, 3] : [1, 2, 3]) });
  await cluster.clock.advance(10_000);
  expect(cluster.alive.every(({ controller }) => controller.status.clusterId === null)).toBe(true);
  expect(cluster.node(1).controller.status.waitingFor.join()).toMatch(
    /controller.quorum.voters differs: controller 3 lists 1@node1:9095,3@node3:9095, this controller 1 lists 1@node1:9095,2@node2:9095,3@node3:9095/,
  );
  await cluster.close();
});

test("a controller whose list of voters is not the cluster's takes part and says which setting differs, and how", async () => {
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text), child: () => logger };
  const cluster = await TestCluster.of([1, 2, 3], { logger: (nodeId) => (nodeId === 4 ? logger : silentLogger) });
  await cluster.leader();
  await cluster.start(4, { config: { controllerQuorumVoters: [1, 2, 4].map((nodeId) => ({ nodeId, address: addressOf(nodeId) })) } });
  await cluster.settled();
  await cluster.clock.advance(6000);
  const said =
    "controller.quorum.voters of node 4 is 1@node1:9095,2@node2:9095,4@node4:9095, but the voters of the cluster are 1@node1:9095,2@node2:9095,3@node3:9095, " +
    "and controller 4 follows them without a vote (ottla controller add 4 gives it one); correct controller.quorum.voters of node 4";
  expect(cluster.node(4).controller.status.concerns).toEqual([said]);
  expect(warnings.filter((text) => text === said)).toHaveLength(1);
  for (const nodeId of [1, 2, 3]) expect(cluster.node(nodeId).controller.status.concerns).toEqual([]);
  await cluster.close();
});

test("a controller that tells an address that is not its own waits, and names the address and the settings", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  await cluster.leader();
  cluster.crash(3);
  await cluster.start(4, {
    saysItIsAt: { host: "node9", port: 9095 },
    config: { controllerQuorumVoters: [1, 2, 4].map((nodeId) => ({ nodeId, address: addressOf(nodeId) })) },
  });
  await cluster.clock.advance(6000);
  const { clusterId, waitingFor } = cluster.node(4).controller.status;
  expect(clusterId).toBeNull();
  expect(waitingFor.join("\n")).toContain(
    "its controller.quorum.voters is 1@node1:9095,2@node2:9095,3@node3:9095, this one's is 1@node1:9095",
  );
  expect(waitingFor.at(-1)).toMatch(
    /^controller 1, 2 answers, but opens no stream to this controller 4, which says that it is at node9:9095; .* node.advertised.listeners, or its entry in controller.quorum.voters$/,
  );
  await cluster.close();
});

test("a voter that is wiped founds nothing, is fed as a learner, and votes again with its new directory", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  await cluster.leader();
  await cluster.settled();
  const { clusterId } = cluster.node(2).controller.status;
  const before = cluster.node(1).controller.inspect()?.directoryId;
  cluster.crash(1);
  await cluster.leader();
  await cluster.start(1);
  await cluster.clock.runUntil(() => {
    const inspection = cluster.node(1).controller.inspect();
    return inspection?.voters.some(({ nodeId, directoryId }) => nodeId === 1 && directoryId === inspection.directoryId) === true;
  }, 30_000);
  await cluster.settled();
  expect(cluster.node(1).controller.status.clusterId).toBe(clusterId);
  expect(cluster.node(1).controller.inspect()?.directoryId).not.toBe(before);
  expect(cluster.node(2).controller.status.voters.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
  expect(cluster.alive.flatMap(({ fatal }) => fatal)).toEqual([]);
  await cluster.close();
});

test("power goes at any moment of the founding: after it there is one cluster, and the id that was told stays", async () => {
  for (let cut = 0; cut < 40; cut++) {
    const cluster = await TestCluster.of([1, 2, 3], {}, 50 + cut);
    await cluster.clock.advance(cut);
    const told = new Set(cluster.alive.map(({ controller }) => controller.status.clusterId).filter((id) => id !== null));
    for (const nodeId of [1, 2, 3]) cluster.node(nodeId).host.crash({ keep: "random" });
    for (const nodeId of [1, 2, 3]) await cluster.restart(nodeId);
    await cluster.leader();
    await cluster.settled();
    const ids = new Set(cluster.alive.map(({ controller }) => controller.status.clusterId));
    expect(ids.size).toBe(1);
    for (const id of told) expect([...ids]).toContain(id);
    await cluster.close();
  }
});
