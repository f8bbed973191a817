import type { MetadataVersions } from "@ottla/metadata";
import { expect, test } from "vitest";
import { ClusterBroker } from "./cluster-broker.test.kit.ts";
import { TestCluster } from "./cluster.test.kit.ts";

const OLD: MetadataVersions = { min: 1, max: 1 };
const NEW: MetadataVersions = { min: 1, max: 2 };

async function level(broker: ClusterBroker): Promise<number | string> {
  const { reply, errorMessage } = await broker.run({
    case: "updateFeatures",
    value: { name: "metadata.version", level: 2, validateOnly: false },
  });
  return reply.case === "updateFeatures" ? (reply.value.feature?.level ?? "no feature") : errorMessage;
}

test("a rolling upgrade raises the level of the log once the last node reads it, and not before", async () => {
  const cluster = await TestCluster.of([]);
  for (const nodeId of [1, 2, 3]) await cluster.start(nodeId, { metadataVersions: OLD });
  await cluster.leader();
  let broker = await ClusterBroker.join(cluster);
  await broker.createTopic("before");
  expect(await level(broker)).toMatch(/from 1 to 2: controller \d supports 1 to 1; upgrade it first/);

  for (const nodeId of [1, 2]) {
    await cluster.clock.run(cluster.node(nodeId).controller.close());
    cluster.crash(nodeId);
    await cluster.restart(nodeId, { metadataVersions: NEW });
    await cluster.settled();
  }
  // Whoever leads: the controller that is old still reads the log.
  expect(await level(broker)).toMatch("controller 3 supports 1 to 1");

  await cluster.clock.run(cluster.node(3).controller.close());
  cluster.crash(3);
  await cluster.settled();
  expect(await level(broker)).toMatch("what controller 3 supports is not known: it is not connected");
  await cluster.restart(3, { metadataVersions: NEW });
  await cluster.settled();
  expect(await level(broker)).toMatch("broker 9 (version 0) supports 1 to 1");

  await broker.leave();
  broker = await ClusterBroker.join(cluster, { life: 2, metadataVersionMax: 2 });
  expect(await level(broker)).toBe(2);
  await cluster.settled();

  // From here on who cannot read level 2 does not run: neither a controller nor a broker.
  await broker.leave();
  await expect(ClusterBroker.join(cluster, { life: 3 })).rejects.toThrow("the cluster runs metadata.version 2");
  cluster.crash(2);
  const old = await cluster.restart(2, { metadataVersions: OLD }).catch((error: unknown) => error);
  const ended = (): unknown => (old instanceof Error ? old : cluster.node(2).fatal[0]);
  await cluster.clock.runUntil(() => ended() !== undefined, 10_000);
  expect(String(ended())).toContain("The cluster runs metadata.version 2, this version of Ottla supports 1 to 1");
  cluster.crash(2);
  await cluster.restart(2, { metadataVersions: NEW });
  await cluster.settled();
  await cluster.close();
});

test("a cluster founded by a new version begins at its level, and refuses an old controller", async () => {
  const cluster = await TestCluster.of([]);
  for (const nodeId of [1, 2]) await cluster.start(nodeId, { metadataVersions: NEW });
  await cluster.start(3, { metadataVersions: OLD });
  await cluster.clock.runUntil(() => cluster.node(3).fatal.length > 0, 10_000);
  expect(cluster.node(3).fatal[0]?.message).toContain("this version of Ottla supports 1 to 1");
});
