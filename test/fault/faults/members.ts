import { newBroker, newVoter } from "../ground/ground.ts";
import { until } from "../ground/in-sync.ts";
import type { Fault, Scene } from "./fault.ts";

/** Another fault may keep a node away for a minute of it. */
const withinMs = 150_000;
const call = { timeoutMs: 3_000 };

/** The cluster grows and shrinks while everything else goes on, other faults among it. */
export const memberFaults: readonly Fault[] = [
  {
    name: "join-and-drain",
    changesMembers: true,
    async happen(scene) {
      const { ground, ottla, load, random } = scene;
      await ground.cluster.join(newBroker);
      const admin = ottla.admin();
      const [topic] = await admin.describeTopics([load.topic]);
      const partition = random(topic?.partitions.length ?? 1);
      await until(withinMs, `Partition ${partition} has not moved to node ${newBroker}`, async () => {
        const [now] = await admin.describeTopics([load.topic], call);
        const replicas = now?.partitions[partition]?.replicas ?? [];
        const moving = (await admin.listReassignments(call)).length;
        if (replicas.includes(newBroker) && moving === 0) return null;
        if (!replicas.includes(newBroker))
          await admin.reassignPartitions([{ topic: load.topic, partition, replicas: [newBroker, ...replicas.slice(1)] }], call);
        return `replicas ${replicas.join(",")}, ${moving} partitions move`;
      });
      await drainAndRemove(scene, newBroker);
      return `node ${newBroker} joined, took partition ${partition}, was drained and removed`;
    },
  },
  {
    name: "change-voters",
    changesMembers: true,
    async happen(scene) {
      const { ground, ottla } = scene;
      await ground.cluster.join(newVoter);
      const admin = ottla.admin();
      const votes = async (): Promise<boolean> =>
        (await admin.describeQuorum(call)).members.some(({ nodeId, voter }) => nodeId === newVoter && voter);
      await until(withinMs, `Controller ${newVoter} does not vote`, async () => {
        if (await votes()) return null;
        await admin.addVoter(newVoter, call);
        return "it was just added";
      });
      await scene.load.progress(100);
      await until(withinMs, `Controller ${newVoter} votes`, async () => {
        if (!(await votes())) return null;
        await admin.removeVoter(newVoter, call);
        return "it was just removed";
      });
      await drainAndRemove(scene, newVoter);
      return `controller ${newVoter} joined, became a voter, and was removed again`;
    },
  },
];

async function drainAndRemove({ ground, ottla }: Scene, nodeId: number): Promise<void> {
  const admin = ottla.admin();
  const nodes = async () => (await admin.describeCluster(call)).nodes;
  const away = async (): Promise<number> =>
    (await nodes()).filter(({ nodeId: id, broker, fenced, shuttingDown }) => broker && id !== nodeId && (fenced || shuttingDown)).length;
  let stuckLooks = 0;
  const hopeless: string[] = [];
  await until(withinMs, `Node ${nodeId} is not drained`, async () => {
    const before = await away();
    const { replicasLeft, stuck } = await admin.drainBroker(nodeId, call);
    if (replicasLeft === 0) return null;
    const reasons = JSON.stringify(stuck);
    // What waits for a broker that is away goes on when it is back; nothing else may hold a drain up.
    stuckLooks = stuck.length > 0 && before + (await away()) === 0 ? stuckLooks + 1 : 0;
    if (stuckLooks > 25) hopeless.push(reasons);
    if (hopeless.length > 0) return null;
    return `${replicasLeft} replicas left, stuck: ${reasons}`;
  });
  if (hopeless.length > 0) throw new Error(`The drain of node ${nodeId} is stuck although no broker is away: ${hopeless.join()}`);
  await ground.leave(nodeId);
  await until(withinMs, `Node ${nodeId} is not removed`, async () => {
    if (!(await nodes()).some(({ nodeId: id }) => id === nodeId)) return null;
    await admin.removeBroker(nodeId, call);
    return "it was just removed";
  });
}
