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
    async happen(scene) {
      const [topic] = await scene.ottla.admin().describeTopics([scene.load.topic]);
      const leader = topic?.partitions[0]?.leader ?? scene.victim;
      const victim = scene.ground.cluster.isRunning(leader) ? leader : scene.victim;
      await killAndStart(scene, victim);
      return `killed node ${victim}, leader of partition 0`;
    },
    alone: true,
  },
  {
    name: "kill-controller",
    async happen(scene) {
      const { controllerId } = await scene.ottla.admin().describeCluster();
      const victim = scene.ground.cluster.isRunning(controllerId) ? controllerId : scene.victim;
      await killAndStart(scene, victim);
      return `killed node ${victim}, leader of the controllers`;
    },
    alone: true,
  },
  {
    name: "freeze",
    async happen({ ground: { cluster }, random, victim }) {
      const node = cluster.node(victim);
      const ms = 500 + random(9_500);
      node.freeze();
      await delay(ms);
      node.thaw();
      return `froze node ${victim} for ${(ms / 1000).toFixed(1)} s`;
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
