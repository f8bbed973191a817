import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, NodeProcess } from "../../scripts/support/node-process.ts";
import { ottla, temporaryDirectory } from "./ottla.ts";
import { shows, ThreeNodes } from "./three-nodes.ts";

let cluster: ThreeNodes;

beforeAll(async () => {
  cluster = await ThreeNodes.start();
  await Promise.all([cluster.run("topic create orders -r 3"), cluster.run("topic create few -r 2")]);
});

afterAll(() => cluster[Symbol.asyncDispose]());

/** Of a topic with one partition. */
async function replicasOf(topic: string): Promise<number[]> {
  const partitions: { replicas: number[] }[] = JSON.parse((await cluster.run(`partition list ${topic} --json`)).stdout);
  return partitions.flatMap(({ replicas }) => replicas);
}

test("a healthy cluster says so in one line, and every address that a client is told answers", async () => {
  expect(await cluster.run("cluster status --exit-code")).toMatchObject(shows(/^Healthy\nCluster \S+, 2 topics, 2 partitions/));
  expect(await cluster.json("cluster status")).toMatchObject({
    healthy: true,
    troubles: [],
    offline: 0,
    underReplicated: 0,
    nodes: [1, 2, 3].map((nodeId) => ({ nodeId, broker: true, voter: true, fenced: false })),
    quorum: { members: [{ voter: true }, { voter: true }, { voter: true }] },
    directories: [{ nodeId: 1 }, { nodeId: 2 }, { nodeId: 3 }],
  });
  const answers = { problem: null, fix: null, address: expect.any(String), what: expect.any(String) };
  expect(await cluster.json("cluster check")).toEqual(Array.from({ length: 9 }, () => answers));
  expect(await cluster.json("cluster check --all-doors")).toEqual(Array.from({ length: 15 }, () => answers));
});

test("a kind of which there are no events is answered with those there are", async () => {
  const stderr = expect.stringMatching(/^No events of that kind; there are some of .*founded, .*registered, /);
  expect(await cluster.run("cluster events --kind nonsense")).toMatchObject({ code: 0, stdout: "", stderr });
});

test("an entry behind which no client is served is named with the right door", async () => {
  const [grpc = ""] = cluster.nodes.bootstrap;
  const brokers: { endpoints: { listener: string; port: number }[] }[] = JSON.parse((await cluster.run("broker list --json")).stdout);
  const nodeDoor = `127.0.0.1:${brokers[0]?.endpoints.find(({ listener }) => listener === "NODE")?.port}`;
  const { http } = cluster.nodes.node(1);
  const checked = await cluster.run("cluster check --json --timeout 1000", {
    env: { OTTLA_BOOTSTRAP: `${nodeDoor},${http},127.0.0.1:1,${grpc}` },
  });
  expect(checked).toMatchObject({ code: 1, stderr: "ottla: 3 of 10 addresses do not answer as they should\n" });
  const useDoor = "name the node's door for clients there (grpc.listeners, 9093 by default)";
  expect(JSON.parse(checked.stdout).slice(0, 4)).toMatchObject([
    { problem: expect.stringContaining(`its door for clients (grpc.listeners) is ${grpc}`), fix: useDoor },
    { problem: expect.stringContaining("does not speak gRPC (perhaps the HTTP door, 9094 by default"), fix: useDoor },
    {
      problem: expect.stringContaining("refuses connections: nothing listens there"),
      fix: expect.stringContaining("start the node there"),
    },
    { problem: null },
  ]);
});

test("addresses of which none answers are named each with its reason", async () => {
  const { code, stderr } = await ottla(["topic", "list", "--timeout", "700"], { env: { OTTLA_BOOTSTRAP: "127.0.0.1:1,127.0.0.1:2" } });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^ottla: Cannot call metadata within 700 ms: .*127\.0\.0\.1:1 refuses connections.*127\.0\.0\.1:2 refuses connections/,
  );
});

test("a listener for Kafka's clients in place of Ottla's own door is named as what it may be", async () => {
  const [kafka = ""] = cluster.nodes.kafkaBootstrap;
  const { code, stderr } = await ottla(["topic", "list", "--timeout", "700", "--bootstrap", kafka]);
  expect(code).toBe(1);
  expect(stderr).toContain("use the port of grpc.listeners, 9093 by default");
});

test("a node that advertises where nobody listens is found, with the setting to change", async () => {
  await using directory = await temporaryDirectory();
  const [grpc, nowhere] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const settings = { "grpc.listeners": grpc, "grpc.advertised.listeners": nowhere, "node.listeners": "127.0.0.1:0" };
  await using node = await NodeProcess.start({ dataDir: directory.path, settings });
  expect(node.hasEnded).toBe(false);
  const checked = await ottla(["cluster", "check", "--json", "--timeout", "1000", "--bootstrap", grpc]);
  expect(checked).toMatchObject({ code: 1, stderr: "ottla: 1 of 3 addresses do not answer as they should\n" });
  expect(JSON.parse(checked.stdout)).toMatchObject([
    { address: grpc, problem: null },
    {
      address: nowhere,
      problem: expect.stringContaining("refuses"),
      fix: expect.stringContaining("set grpc.advertised.listeners of node 1"),
    },
    { what: "listener PLAINTEXT of broker 1 for Kafka's clients", problem: null },
  ]);
});

test("entries of two clusters are told apart: a client would use whichever answers first", async () => {
  await using directory = await temporaryDirectory();
  const settings = { "grpc.listeners": `127.0.0.1:${await freePort()}`, "node.listeners": "127.0.0.1:0" };
  await using other = await NodeProcess.start({ dataDir: directory.path, settings });
  const [first = ""] = cluster.nodes.bootstrap;
  const [strange = ""] = other.bootstrap;
  const checked = await ottla(["cluster", "check", "--json", "--bootstrap", `${first},${strange}`]);
  expect(checked).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ottla: 1 of \d+ addresses/) });
  expect(JSON.parse(checked.stdout).slice(0, 2)).toMatchObject([
    { address: first, problem: null },
    {
      address: strange,
      problem: expect.stringMatching(`^another cluster than ${first}, which belongs to `),
      fix: expect.stringContaining("of one cluster only"),
    },
  ]);
});

test("events are followed until the end is asked for; of a killed broker they tell when it is fenced, and scripts see it by the exit code", async () => {
  const following = cluster.run("cluster events --follow --json --kind founded,fenced", { interruptOn: '"kind":"fenced"' });
  await cluster.nodes.killNode(3);
  const { code, stdout } = await following;
  expect(code).toBe(130);
  const events = stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  expect(events).toMatchObject([{ kind: "founded" }, { kind: "fenced", nodeId: 3, text: expect.stringContaining("3") }]);

  const status = await cluster.run("cluster status --exit-code");
  expect(status).toMatchObject({ code: 1, stderr: "ottla: The cluster is not healthy\n" });
  expect(status.stdout).toMatch(/^Unhealthy: .*under-replicated.*broker 3 is fenced/);
  expect(status.stdout).toMatch(/orders-0 .* under-replicated/);
  expect(await cluster.json("cluster status")).toMatchObject({ healthy: false, fenced: [3], offline: 0 });

  const check = await cluster.run("cluster check --timeout 1000");
  expect(check).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/broker 3, fenced +it is not running, or cut off.* start node 3\n/),
  });
});

test("without a third node: no moves there, no three replicas, and no voter less", async () => {
  const holders = await replicasOf("few");
  const free = [1, 2].find((nodeId) => !holders.includes(nodeId));
  // Of two replicas on three brokers one may be on the dead one: its partition is brought to the live ones first.
  if (free !== undefined) expect(await cluster.run("partition reassign few 0 --to 1,2 --wait")).toMatchObject({ code: 0 });
  await cluster.refuses({
    "partition reassign few 0 --to 1,3": "broker 3 is ",
    "topic alter few -r 3": "2 of 3 registered brokers can take new ones; start more brokers or ask for at most 2",
    "broker drain 3": "Cannot drain broker 3: none of its",
    "broker remove 3": "Cannot remove broker 3: it holds 1 replica; drain it first",
    "controller remove 1": "of the voters that would be left, 2, 3, only ",
  });
});
