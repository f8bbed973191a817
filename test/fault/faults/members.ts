import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "./fault.ts";

const newcomer = 4;
const movedWithinMs = 90_000;

/** The cluster grows and shrinks while everything else goes on. */
export const memberFaults: readonly Fault[] = [
  {
    name: "join-and-drain",
    alone: true,
    async happen({ ground: { cluster }, ottla, load, random }) {
      await cluster.join(newcomer);
      const admin = ottla.admin();
      const [topic] = await admin.describeTopics([load.topic]);
      const partition = random(topic?.partitions.length ?? 1);
      const replicas = topic?.partitions[partition]?.replicas ?? [];
      await admin.reassignPartitions([{ topic: load.topic, partition, replicas: [newcomer, ...replicas.slice(1)] }]);
      const signal = AbortSignal.timeout(movedWithinMs);
      while ((await admin.listReassignments({ signal })).length > 0) await delay(200, undefined, { signal });
      for await (const { replicasLeft, stuck } of admin.drainingBroker(newcomer, { signal, intervalMs: 200 }))
        if (stuck.length > 0)
          throw new Error(`The drain of node ${newcomer} is stuck with ${replicasLeft} replicas: ${JSON.stringify(stuck)}`);
      await cluster.stopNode(newcomer);
      await admin.removeBroker(newcomer);
      cluster.forget(newcomer);
      return `node ${newcomer} joined, took partition ${partition}, was drained and removed`;
    },
  },
];
