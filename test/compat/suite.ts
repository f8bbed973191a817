import { afterAll, beforeAll, test } from "vitest";
import { features } from "./features/index.ts";
import { cells } from "./matrix.ts";
import { Cluster } from "./rig/cluster.ts";
import { nodesUnderTest } from "./rig/nodes.ts";
import { whyNot } from "./rig/tools.ts";

/** The cells of the matrix that want so many nodes, a test each. */
export function suite(nodes: 1 | 3): void {
  const under = nodesUnderTest(nodes);
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    if (under.whyNot === null && whyNot.python() === null) cluster = await Cluster.open(await under.start());
  }, 120_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  for (const { client, featureId, missing } of cells()) {
    const feature = features[featureId];
    if (feature.nodes !== nodes || missing !== null) continue;
    test(`${client.name} ${feature.title}`, { timeout: 100_000 }, async ({ skip }) => {
      const why = under.whyNot ?? client.whyNot() ?? whyNot.python() ?? (feature.kills ? under.whyNoKills : null);
      if (why !== null) return skip(why);
      if (!cluster) throw new Error("The cluster did not start");
      await using session = await client.open(cluster.bootstrap);
      try {
        await feature.check(session, cluster);
      } finally {
        await cluster.heal();
      }
    });
  }
}
