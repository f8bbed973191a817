import { memoryHost, type MemoryHost } from "@ottla/host";
import { services, type Uuid } from "@ottla/protocol";
import { expect, test } from "vitest";
import { greetingAttributes, type Greeting } from "./greeting.ts";
import { NotLeaderError, type Quorum } from "./index.ts";
import { Follower } from "./listener.test.kit.ts";
import { openQuorum } from "./quorum.test.kit.ts";

const voters = [1, 2, 3].map((nodeId) => ({
  nodeId,
  directoryId: `0${nodeId}`.repeat(16) as Uuid,
  address: { host: `node${nodeId}`, port: 9095 },
}));

interface Node {
  host: MemoryHost;
  quorum: Quorum;
  state: Follower;
}

async function begin(host: MemoryHost, nodeId: number): Promise<Node> {
  const own = voters.find((voter) => voter.nodeId === nodeId);
  if (own === undefined) throw new Error(`no voter ${nodeId}`);
  const { directoryId } = own;
  const state = new Follower(0);
  const quorum = await host.clock.run(
    openQuorum(host, state, {
      nodeId,
      directoryId,
      address: own.address,
      listed: voters,
      onFatal: (error) => {
        throw error;
      },
      dial: ({ address }, service, attributes, signal) =>
        host.network.dial(address, service, { attributes, maxFrameBytes: 64 << 20, signal }),
    }),
  );
  await host.network.listen(own.address, [{ name: services.raft, accept: (session) => quorum.accept(session) }], {
    maxFrameBytes: 64 << 20,
    maxSessions: 10,
  });
  quorum.start();
  return { host, quorum, state };
}

async function cluster(): Promise<Node[]> {
  const first = memoryHost({ seed: 7, hostName: "node1" });
  const hosts = [first, ...["node2", "node3"].map((hostName, i) => memoryHost({ seed: 8 + i, hostName, beside: first }))];
  const nodes: Node[] = [];
  for (const [i, host] of hosts.entries()) {
    await host.disk.makeDirectory("/data");
    await host.disk.syncDirectory("/");
    nodes.push(await begin(host, i + 1));
  }
  return nodes;
}

const alive = (nodes: Node[]): Node[] => nodes.filter(({ host }) => !host.crashed);

async function leaderOf(nodes: Node[]): Promise<Node> {
  const clock = alive(nodes)[0]?.host.clock;
  if (clock === undefined) throw new Error("nobody is alive");
  const leading = (): Node | undefined => alive(nodes).find(({ state }) => state.term !== null);
  await clock.runUntil(() => leading() !== undefined, 20_000);
  const leader = leading();
  if (leader === undefined) throw new Error("nobody leads");
  return leader;
}

async function everywhere(nodes: Node[], texts: string[]): Promise<void> {
  const clock = alive(nodes)[0]?.host.clock;
  await clock?.runUntil(() => alive(nodes).every(({ state }) => state.texts.length >= texts.length), 20_000);
  for (const { state } of alive(nodes)) expect(state.texts).toEqual(texts);
}

const propose = ({ quorum }: Node, text: string): number => quorum.propose(new TextEncoder().encode(text));

test("three quorums elect one leader and hand out the same entries; who does not lead says who does", async () => {
  const nodes = await cluster();
  const leader = await leaderOf(nodes);
  for (const text of ["a", "b", "c"]) propose(leader, text);
  await everywhere(nodes, ["a", "b", "c"]);
  expect(nodes.filter(({ quorum }) => quorum.status.role === "leader")).toHaveLength(1);
  const follower = nodes.find((node) => node !== leader);
  expect(() => follower && propose(follower, "d")).toThrow(`controller ${leader.quorum.status.leader} leads`);
  expect(await leader.host.clock.run(leader.quorum.readIndex(new AbortController().signal))).toBe(leader.state.appliedIndex);
  await leader.host.clock.run(Promise.all(nodes.map(({ quorum }) => quorum.close())));
});

test("the leader's machine goes: another leads, nothing handed out is lost, and the old one follows when it is back", async () => {
  const nodes = await cluster();
  const old = await leaderOf(nodes);
  propose(old, "a");
  await everywhere(nodes, ["a"]);
  old.host.crash();
  const leader = await leaderOf(nodes);
  expect(leader).not.toBe(old);
  propose(leader, "b");
  await everywhere(nodes, ["a", "b"]);
  const id = old.quorum.status.leader;
  nodes[nodes.indexOf(old)] = await begin(old.host.restart(), id);
  await everywhere(nodes, ["a", "b"]);
});

test("a leader that reaches nobody loses its leadership and its reads, and drops what it could not commit", async () => {
  const nodes = await cluster();
  const old = await leaderOf(nodes);
  propose(old, "a");
  await everywhere(nodes, ["a"]);
  for (const { host } of nodes) host.network.trouble({ stalled: true }, host === old.host ? "*" : `node${old.quorum.status.leader}`);
  propose(old, "never seen");
  const read = old.quorum.readIndex(new AbortController().signal);
  let refused: unknown = null;
  read.catch((error: unknown) => (refused = error));
  await old.host.clock.runUntil(() => old.state.term === null, 20_000);
  expect(refused).toBeInstanceOf(NotLeaderError);
  expect(() => propose(old, "b")).toThrow(NotLeaderError);
  const leader = await leaderOf(nodes.filter((node) => node !== old));
  propose(leader, "c");
  for (const { host } of nodes) for (const name of ["*", "node1", "node2", "node3"]) host.network.trouble({}, name);
  await everywhere(nodes, ["a", "c"]);
});

test("a broken connection to the leader's process is noticed at once", async () => {
  const nodes = await cluster();
  const old = await leaderOf(nodes);
  propose(old, "a");
  await everywhere(nodes, ["a"]);
  const { clock } = nodes.find((node) => node !== old)?.host ?? old.host;
  old.host.network.trouble({ refused: true });
  for (const { host } of nodes) host.network.trouble({ refused: true }, `node${old.quorum.status.leader}`);
  old.host.network.reset();
  const brokenAt = clock.monotonicMs();
  const leader = await leaderOf(nodes.filter((node) => node !== old));
  expect(clock.monotonicMs() - brokenAt).toBeLessThan(500);
  expect(leader.quorum.status.term).toBeGreaterThan(1);
});

test("when all were down, two that are back have a leader at once; the third hears of it at once", async () => {
  const nodes = await cluster();
  const old = await leaderOf(nodes);
  propose(old, "a");
  await everywhere(nodes, ["a"]);
  for (const { host } of nodes) host.crash();
  const [one, two, three] = nodes.map(({ host }) => host.restart());
  if (one === undefined || two === undefined || three === undefined) throw new Error("no nodes");
  const back = [await begin(one, 1)];
  await one.clock.advance(60_000);
  const startedMs = one.clock.monotonicMs();
  back.push(await begin(two, 2));
  await leaderOf(back);
  expect(one.clock.monotonicMs() - startedMs).toBeLessThan(200);
  back.push(await begin(three, 3));
  const [, , last] = back;
  await one.clock.advance(100);
  expect(last?.state.texts).toEqual(["a"]);
});

test("a stream from another directory of a node that is there is refused, and so is one from a second node of this id", async () => {
  const nodes = await cluster();
  await leaderOf(nodes);
  const [one, two] = nodes;
  if (one === undefined || two === undefined) throw new Error("no nodes");
  const dial = (o: Partial<Greeting>) => {
    const greeting = {
      nodeId: 2,
      directoryId: "ff".repeat(16) as Uuid,
      clusterId: null,
      empty: true,
      listed: "",
      term: 0,
      address: { host: "node2", port: 1 },
      metadataVersions: { min: 1, max: 1 },
      ...o,
    };
    const attributes = greetingAttributes(greeting);
    return two.host.network.dial({ host: "node1", port: 9095 }, services.raft, {
      attributes,
      maxFrameBytes: 1 << 20,
      signal: new AbortController().signal,
    });
  };
  await expect(one.host.clock.run(dial({}))).rejects.toThrow(/Node 2 is here already, .*give each node an id of its own/);
  await expect(one.host.clock.run(dial({ nodeId: 1 }))).rejects.toThrow("Both controllers have node id 1");
  await expect(one.host.clock.run(dial({ nodeId: -1 }))).rejects.toThrow("needs ottla-node-id, a number");
});

test("a second node of an id is refused also while the first, which lives, has no stream to this node", async () => {
  const nodes = await cluster();
  await leaderOf(nodes);
  const [one, two, three] = nodes;
  if (one === undefined || two === undefined || three === undefined) throw new Error("no nodes");
  const { clock } = one.host;
  two.host.network.trouble({ refused: true }, "node1");
  two.host.network.reset();
  const address = { host: "node2", port: 9096 };
  const greeting: Greeting = {
    nodeId: 2,
    directoryId: "ff".repeat(16) as Uuid,
    clusterId: null,
    empty: true,
    listed: "",
    term: 0,
    address,
    metadataVersions: { min: 1, max: 1 },
  };
  const dialAsTwo = () =>
    three.host.network.dial({ host: "node1", port: 9095 }, services.raft, {
      attributes: greetingAttributes(greeting),
      maxFrameBytes: 1 << 20,
      signal: new AbortController().signal,
    });
  const hears = (): boolean =>
    one.quorum
      .samples()
      .some(({ name, values }) => name === "ottla_raft_peer_connected" && values.every((each) => "value" in each && each.value === 1));
  await clock.runUntil(hears, 5000);
  await expect(clock.run(dialAsTwo())).rejects.toThrow(/Node 2 is here already, from node2:9095 with another controller directory/);
});

test("a voter that was away for long gets entries that have left the leader's memory", async () => {
  const nodes = await cluster();
  const leader = await leaderOf(nodes);
  const away = nodes.find((node) => node !== leader);
  if (away === undefined) throw new Error("no follower");
  const id = voters[nodes.indexOf(away)]?.nodeId ?? 0;
  away.host.crash();
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(300_000, "."));
  for (const text of texts) {
    const index = propose(leader, text);
    await leader.host.clock.runUntil(() => leader.state.appliedIndex >= index, 20_000);
  }
  nodes[nodes.indexOf(away)] = await begin(away.host.restart(), id);
  await everywhere(nodes, texts);
});
