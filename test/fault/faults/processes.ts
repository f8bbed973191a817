import { setTimeout as delay } from "node:timers/promises";
import { allInSync } from "../ground/in-sync.ts";
import type { Fault, Scene } from "./fault.ts";

const settleMs = 60_000;

async function killAndStart({ ground: { cluster }, random, load }: Scene, nodeId: number): Promise<void> {
  await load.someInFlight();
  await cluster.killNode(nodeId);
  await delay(random(3_000));
  await cluster.startNode(nodeId);
}

async function freeze({ ground: { cluster }, victim }: Scene, ms: number): Promise<string> {
  const node = cluster.node(victim);
  node.freeze();
  await delay(ms);
  node.thaw();
  return `froze node ${victim} for ${(ms / 1000).toFixed(1)} s`;
}

export const processFaults: readonly Fault[] = [
  {
    name: "kill",
    async happen(scene) {
      await killAndStart(scene, scene.victim);
      return `killed node ${scene.victim}`;
    },
  },
  {
    name: "kill-leader",
    async aim({ ottla, load, victim }) {
      const [topic] = await ottla.admin().describeTopics([load.topic]);
      return topic?.partitions[0]?.leader ?? victim;
    },
    async happen(scene) {
      await killAndStart(scene, scene.victim);
      return `killed node ${scene.victim}, ${scene.beside ? "if it was free the" : "the"} leader of partition 0`;
    },
  },
  {
    name: "kill-controller",
    async aim({ ottla }) {
      return (await ottla.admin().describeCluster()).controllerId;
    },
    async happen(scene) {
      await killAndStart(scene, scene.victim);
      return `killed node ${scene.victim}, ${scene.beside ? "if it was free the" : "the"} leader of the controllers`;
    },
  },
  {
    name: "freeze",
    happen: (scene) => freeze(scene, 500 + scene.random(9_500)),
  },
  {
    name: "freeze-long",
    happen: (scene) => freeze(scene, 60_000),
  },
  {
    name: "kill-majority",
    alone: true,
    async happen({ ground: { cluster }, random, load, ottla, victim, other }) {
      const killed = [victim, other];
      await load.someInFlight();
      await Promise.all(killed.map((nodeId) => cluster.killNode(nodeId)));
      const topic = `no-majority-${random(1_000_000)}`;
      const refused = await ottla
        .admin()
        .createTopic({ name: topic, partitions: 1, replicationFactor: 1 }, { timeoutMs: 2_000 })
        .then(
          () => false,
          () => true,
        );
      await delay(random(5_000));
      await Promise.all(killed.map((nodeId) => cluster.startNode(nodeId)));
      if (!refused) throw new Error(`Topic ${topic} was created by one controller of three`);
      return `killed nodes ${killed.join(" and ")} at once, the third could change nothing`;
    },
  },
  {
    name: "kill-all",
    alone: true,
    async happen({ ground: { cluster }, random, load }) {
      await load.someInFlight();
      await Promise.all(cluster.nodeIds.map((nodeId) => cluster.killNode(nodeId)));
      await delay(random(1_000));
      await Promise.all(cluster.nodeIds.map((nodeId) => cluster.startNode(nodeId)));
      return "killed all nodes at once";
    },
  },
  {
    name: "rolling-restart",
    alone: true,
    async happen({ ground: { cluster }, ottla }) {
      for (const nodeId of cluster.nodeIds) {
        await cluster.stopNode(nodeId);
        await cluster.startNode(nodeId);
        await allInSync(ottla, cluster.nodeIds.length, settleMs);
      }
      return "restarted every node, one after the other";
    },
  },
];
