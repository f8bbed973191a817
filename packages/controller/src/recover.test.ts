import { silentLogger, type MemoryHost } from "@ottla/host";
import { expect, test } from "vitest";
import { addressOf, DIRECTORY, TestCluster } from "./cluster.test.kit.ts";
import { ClusterBroker } from "./cluster-broker.test.kit.ts";
import { recoverController } from "./recover.ts";

const config = { controllerLogCheckpointRecords: 14 };

const recover = (host: MemoryHost, nodeId: number, acceptLoss: boolean) =>
  recoverController({ host, nodeId, directory: DIRECTORY, address: addressOf(nodeId), acceptLoss, logger: silentLogger });

test("one survivor of three leads alone with everything it knew, once loss is accepted; the others join anew", async () => {
  const cluster = await TestCluster.of([1, 2, 3], { config });
  const broker = await ClusterBroker.join(cluster);
  await broker.createTopic("orders");
  for (let offset = 1; offset <= 30; offset++) await broker.commit(offset);
  await cluster.settled();
  const { clusterId } = cluster.node(2).controller.status;
  for (const nodeId of [1, 2, 3]) cluster.crash(nodeId);
  const host = cluster.node(2).host.restart();
  await expect(cluster.clock.run(recover(host, 2, false))).rejects.toThrow(
    /without loss: controllers 1, 3 vote too and may know more. Give --accept-loss/,
  );
  const recovered = await cluster.clock.run(recover(host, 2, true));
  expect(recovered).toMatchObject({ clusterId, formerVoters: [1, 2, 3] });
  await cluster.start(2, { host });
  await cluster.leader();
  expect(await broker.committed()).toBe(30);
  await broker.commit(31);
  await cluster.start(1);
  await cluster.settled();
  await cluster.clock.runUntil(() => cluster.node(1).controller.status.leader === 2, 10_000);
  expect(cluster.node(1).controller.status.clusterId).toBe(clusterId);
  await cluster.restart(2);
  await cluster.leader();
  expect(await broker.committed()).toBe(31);
  expect(cluster.alive.flatMap(({ fatal }) => fatal)).toEqual([]);
  await cluster.close();
});

test("a single voter whose vote is gone is recovered without loss", async () => {
  const cluster = await TestCluster.of([1], { config, listed: () => [1] });
  const broker = await ClusterBroker.join(cluster);
  await broker.createTopic("orders");
  for (let offset = 1; offset <= 20; offset++) await broker.commit(offset);
  cluster.crash(1);
  const host = cluster.node(1).host.restart();
  await cluster.clock.run(host.disk.remove(`${DIRECTORY}/vote`));
  await expect(cluster.start(1, { host })).rejects.toThrow("vote is missing");
  await cluster.clock.run(recover(host, 1, false));
  await cluster.start(1, { host });
  await cluster.leader();
  expect(await broker.committed()).toBe(20);
  await cluster.close();
});

test("nothing is recovered where nothing verifies", async () => {
  const cluster = new TestCluster();
  const { host } = await cluster.start(1);
  await cluster.clock.run(cluster.node(1).controller.close());
  await expect(cluster.clock.run(recover(host, 1, true))).rejects.toThrow("none of its checkpoints verifies");
});

test("a log with a damaged entry is recovered up to it, once the loss is accepted that the refusal names", async () => {
  const cluster = await TestCluster.of([1], { listed: () => [1] });
  const broker = await ClusterBroker.join(cluster);
  await broker.createTopic("orders");
  for (let offset = 1; offset <= 20; offset++) await broker.commit(offset);
  const { lastIndex } = cluster.node(1).controller.status;
  await cluster.clock.run(cluster.node(1).controller.close());
  const host = cluster.node(1).host.restart();
  const segment = `${DIRECTORY}/raft/entries/${"0".repeat(20)}.log`;
  const file = await cluster.clock.run(host.disk.open(segment, "read"));
  const size = await cluster.clock.run(file.size());
  await cluster.clock.run(file.close());
  host.disk.flipBit(segment, Math.floor(size * 0.7));
  await expect(cluster.start(1, { host })).rejects.toThrow("of its log are damaged in");
  await expect(cluster.clock.run(recover(host, 1, false))).rejects.toThrow(
    new RegExp(
      `without loss: entries \\d+ to ${lastIndex} of its log cannot be read. Give --accept-loss to go on with what is known up to entry \\d+`,
    ),
  );
  const { keptIndex, lastIndex: end } = await cluster.clock.run(recover(host, 1, true));
  expect(end).toBe(lastIndex);
  await cluster.start(1, { host });
  await cluster.leader();
  // The last entries are one commit each.
  expect(await broker.committed()).toBe(20 - (lastIndex - keptIndex));
  expect(keptIndex).toBeGreaterThan(lastIndex - 20);
  await cluster.close();
});
