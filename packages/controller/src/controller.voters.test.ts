import { pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { addressOf, TestCluster } from "./cluster.test.kit.ts";
import { ClusterBroker } from "./cluster-broker.test.kit.ts";

const { ADD, REMOVE, REPLACE } = pb.ChangeVotersCall_Change;
const joining = { controllerQuorumVoters: [], controllerQuorumBootstrapServers: [1, 2, 3].map(addressOf) };

async function change(broker: ClusterBroker, kind: number, nodeId: number): Promise<string> {
  const { errorMessage } = await broker.run({ case: "changeVoters", value: { change: kind, nodeId } });
  return errorMessage;
}

async function membersAre(cluster: TestCluster, voters: readonly number[]): Promise<void> {
  await cluster.clock.runUntil(() => {
    const seen = cluster.leading()?.controller.status.voters.map(({ nodeId }) => nodeId);
    return seen?.join() === voters.join();
  }, 30_000);
}

test("a controller that joins by bootstrap servers follows as a learner, is added, and keeps the majority when another dies", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  const broker = await ClusterBroker.join(cluster);
  await broker.createTopic("orders");
  await cluster.start(4, { config: joining });
  await cluster.settled();
  expect(cluster.node(4).controller.status.voters.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
  expect(await change(broker, ADD, 4)).toBe("");
  await membersAre(cluster, [1, 2, 3, 4]);
  expect(await change(broker, REMOVE, 2)).toBe("");
  await membersAre(cluster, [1, 3, 4]);
  cluster.crash(3);
  await cluster.leader();
  await broker.commit(7);
  expect(await broker.committed()).toBe(7);
  for (const nodeId of [1, 4]) await cluster.restart(nodeId);
  await cluster.leader();
  await membersAre(cluster, [1, 3, 4]);
  await cluster.close();
});

test("the leader itself can be removed: another leads, and it follows", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  const broker = await ClusterBroker.join(cluster);
  const { nodeId } = await cluster.leader();
  expect(await change(broker, REMOVE, nodeId)).toBe("");
  const others = [1, 2, 3].filter((each) => each !== nodeId);
  await membersAre(cluster, others);
  await cluster.settled();
  expect(cluster.node(nodeId).controller.inspect()?.role).toBe("follower");
  await cluster.close();
});

test("changes that make no sense are refused by name, and nothing changes", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  const broker = await ClusterBroker.join(cluster);
  expect(await change(broker, ADD, 2)).toBe("Cannot add controller 2 to the voters: it votes already");
  expect(await change(broker, ADD, 8)).toContain(
    "no controller of node 8 follows this cluster without a vote; start that node with process.roles=controller,broker",
  );
  expect(await change(broker, REMOVE, 8)).toContain("Cannot remove controller 8 from the voters: the voters are 1, 2, 3");
  expect(await change(broker, REPLACE, 2)).toContain("no controller of node 2 follows this cluster without a vote");
  const leader = await cluster.leader();
  const [alive, dead] = [1, 2, 3].filter((nodeId) => nodeId !== leader.nodeId);
  cluster.crash(dead ?? 0);
  await cluster.clock.advance(3000);
  expect(await change(broker, REMOVE, alive ?? 0)).toMatch(
    /of the voters that would be left, .*, only 1 can be reached, and 2 are needed; bring the others back first/,
  );
  await membersAre(cluster, [1, 2, 3]);
  await cluster.close();
});

test("a learner that is not heard, or lacks entries, is not added, and it is said how far it is", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  const broker = await ClusterBroker.join(cluster);
  await broker.createTopic("orders");
  await cluster.start(4, { config: joining });
  await cluster.settled();
  for (const { host } of cluster.alive) host.network.trouble({ stalled: true }, "node4");
  cluster.node(4).host.network.trouble({ stalled: true });
  await cluster.clock.advance(1500);
  expect(await change(broker, ADD, 4)).toMatch(
    /Cannot add controller 4 to the voters: it holds entries up to \d+ of \d+ and was last heard \d+ ms ago; wait until it has caught up/,
  );
  await membersAre(cluster, [1, 2, 3]);
  for (const { host } of cluster.alive) for (const name of ["*", "node4"]) host.network.trouble({}, name);
  await cluster.settled();
  expect(await change(broker, ADD, 4)).toBe("");
  await membersAre(cluster, [1, 2, 3, 4]);
  await cluster.close();
});

test("a planned stop of the leader leaves a leader behind within half a second", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  const { nodeId, controller } = await cluster.leader();
  await cluster.settled();
  const fromMs = cluster.clock.monotonicMs();
  await cluster.clock.run(controller.close(), 10_000);
  cluster.nodes.delete(nodeId);
  await cluster.leader();
  expect(cluster.clock.monotonicMs() - fromMs).toBeLessThan(500);
  await cluster.close();
});

test("a leader whose disk is slow hands its leadership over and goes on following", async () => {
  const cluster = await TestCluster.of([1, 2, 3]);
  const broker = await ClusterBroker.join(cluster);
  await broker.createTopic("orders");
  const slow = await cluster.leader();
  slow.host.disk.latencyMs = (operation) => (operation === "sync" ? 1500 : 0);
  await broker.commit(1);
  await broker.commit(2);
  await cluster.clock.runUntil(() => cluster.leading() !== undefined && cluster.leading() !== slow, 30_000);
  expect(await broker.committed()).toBe(2);
  slow.host.disk.latencyMs = () => 0;
  await cluster.settled();
  expect(cluster.alive.flatMap(({ fatal }) => fatal)).toEqual([]);
  await cluster.close();
});

test("an election reads as a story in the log", async () => {
  const lines: string[] = [];
  const logger = (nodeId: number) => {
    const write = (_fields: object, text: string): void => void lines.push(`${nodeId}: ${text}`);
    const each = { debug: () => {}, info: write, warn: write, error: write, child: () => each };
    return each;
  };
  const cluster = await TestCluster.of([1, 2, 3], { logger });
  await cluster.leader();
  await cluster.settled();
  lines.length = 0;
  cluster.crash(1);
  await cluster.leader();
  await cluster.settled();
  const { nodeId: winner } = await cluster.leader();
  const other = winner === 2 ? 3 : 2;
  const { term } = cluster.node(winner).controller.status;
  const story = [
    `${winner}: no leader of the controllers is heard: asking the others for an election`,
    `${winner}: standing for election as leader of the controllers in term ${term}`,
    `${winner}: leads the controllers in term ${term}`,
    `${other}: follows controller ${winner}, which leads term ${term}`,
  ];
  expect(lines.filter((line) => story.includes(line))).toEqual(story);
  expect(lines).toContain(`${other}: votes for controller ${winner} in term ${term}`);
  await cluster.close();
});
