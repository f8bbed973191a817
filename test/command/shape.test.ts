import { afterAll, beforeAll, expect, test } from "vitest";
import { shows, ThreeNodes } from "./three-nodes.ts";

let cluster: ThreeNodes;

beforeAll(async () => {
  cluster = await ThreeNodes.start();
  expect(await cluster.run("topic create orders -p 3 -r 3")).toMatchObject(shows(/orders +3 +3 +created/));
  expect(await cluster.run("topic create narrow -r 1")).toMatchObject(shows(/narrow +1 +1 +created/));
});

afterAll(() => cluster[Symbol.asyncDispose]());

test("brokers are listed with what they hold, for people and for programs", async () => {
  expect(await cluster.run("broker list")).toMatchObject(shows(/^BROKER +ADDRESS +STATE +RACK +REPLICAS +LEADS +VERSION\n +1 +127/));
  expect(await cluster.json("broker list")).toMatchObject(
    [1, 2, 3].map((nodeId) => ({
      nodeId,
      fenced: false,
      draining: false,
      replicas: expect.any(Number),
      leads: expect.any(Number),
      endpoints: expect.arrayContaining([expect.objectContaining({ listener: "NODE" })]),
    })),
  );
});

test("partitions are listed with who holds and leads them", async () => {
  expect(await cluster.run("partition list orders")).toMatchObject(
    shows(/^TOPIC +PARTITION +LEADER.*\norders +0 .*\norders +1 .*\norders +2 /),
  );
  expect(await cluster.json("partition list orders")).toMatchObject(
    [0, 1, 2].map((partition) => ({ topic: "orders", partition, trouble: null, away: false, minInSync: 2 })),
  );
  expect(await cluster.run("partition list --unhealthy")).toMatchObject({ code: 0, stdout: "", stderr: "No such partitions\n" });
});

test("what names an unknown topic or partition is refused and says where to look", () =>
  cluster.refuses({
    "partition list missing": 'There is no topic "missing"',
    "partition reassign missing 0 --to 1": 'there is no topic "missing"; check the name, or create it',
    "partition reassign orders 7 --to 1": "Cannot reassign orders-7: the topic has partitions 0 to 2",
    "partition reassign orders 0 --to 9": "Cannot move orders-0 to [9]: broker 9 is not registered [INVALID_REPLICA_ASSIGNMENT]",
    "partition reassign orders 0 --to 1,1": "names broker 1 twice",
    "partition reassign orders 0 --cancel": "orders-0 is not being reassigned",
    "partition elect-leader missing 0": 'there is no topic "missing"',
    "topic alter missing -r 2": 'there is no topic "missing"',
    "topic describe missing": 'There is no topic "missing"',
  }));

test("what names an unknown broker, controller or feature is refused and says where to look", () =>
  cluster.refuses({
    "broker drain 9": 'Cannot drain broker 9: there is none with this id; "ottla broker list" names those there are',
    "broker remove 9": "Cannot remove broker 9: there is none with this id",
    "controller remove 9": "the voters are 1, 2, 3",
    "controller add 9": "no controller of node 9 follows this cluster",
    "controller add 1": "it votes already",
    "controller replace 1": "no controller of node 1 follows this cluster without a vote",
    "feature upgrade nothing": 'There is no feature "nothing": the cluster has metadata.version',
  }));

test("more replicas than brokers are refused with how many there may be", () =>
  cluster.refuses({
    "topic create wide -r 4": "3 of 3 registered brokers are live; start more brokers or ask for a replication factor of at most 3",
    "topic alter orders -r 4": "3 of 3 registered brokers can take new ones; start more brokers or ask for at most 3",
  }));

test("a replication factor is checked without changing anything", async () => {
  expect(await cluster.run("topic alter orders -r 2 --validate-only")).toMatchObject({ code: 0 });
  expect(await cluster.json("partition list orders")).toMatchObject(
    [0, 1, 2].map(() => ({ replicas: expect.objectContaining({ length: 3 }) })),
  );
  await cluster.refuses({ "topic alter orders -r 4 --validate-only": "ask for at most 3" });
});

test("a wrong command line says what is missing, and does nothing", () =>
  cluster.refuses(
    {
      "broker drain x": "ID is x; it takes a whole number from 0 on",
      "broker drain 3 --cancel --wait": "--cancel ends a drain",
      "partition reassign orders 0": "Where to? Give either --to 1,2,3 (broker ids, the preferred leader first) or --cancel",
      "partition elect-leader": "Of which partition? Give either TOPIC PARTITION or --all",
      "partition elect-leader orders --unclean": "--unclean may lose records, so it takes one partition at a time",
      "topic alter orders": "Nothing to alter in orders",
      "cluster events --limit 0": "--limit is 0",
    },
    2,
  ));

test("a partition is moved, widened and narrowed, and the events tell of it", async () => {
  expect(await cluster.run("partition reassign narrow 0 --to 3,1 --wait")).toMatchObject(shows(/narrow +0 +3,1 +(3,1|1,3)\n/));
  expect(await cluster.run("topic alter narrow -r 3")).toMatchObject(shows(/^narrow +\(id /));
  expect(await cluster.run("partition reassign narrow 0 --to 2 --wait")).toMatchObject(shows(/narrow +0 +2 +2\n/));
  expect(await cluster.json("topic describe narrow")).toMatchObject([
    {
      name: "narrow",
      partitions: [{ leader: 2, replicas: [2], inSyncReplicas: [2], adding: [], removing: [], start: 0, end: 0, damaged: [] }],
    },
  ]);
  expect(await cluster.json("cluster events --kind reassigned")).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ kind: "reassigned", topic: "narrow", partition: 0, text: expect.stringContaining("[2]") }),
    ]),
  );
});

test("the leader that is asked for leads already", async () => {
  expect(await cluster.run("partition elect-leader orders 0")).toMatchObject(shows(/orders +0 +has the leader asked for/));
  expect(await cluster.run("partition elect-leader --all")).toMatchObject({
    code: 0,
    stderr: "Every partition has its preferred leader\n",
  });
  expect(await cluster.json("partition elect-leader orders")).toEqual(
    [0, 1, 2].map((partition) => ({ topic: "orders", partition, changed: false })),
  );
});

test("a broker whose replicas no other can take says so, keeps them, is not removed, and takes new ones again after --cancel", async () => {
  const drained = await cluster.run("broker drain 3");
  expect(drained).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("start another broker or lower the topic's replication factor to 2"),
  });
  await cluster.refuses({ "broker remove 3": "Cannot remove broker 3: it holds 3 replicas; drain it first" });
  expect(await cluster.json("broker drain 3 --cancel")).toEqual({ nodeId: 3, cancelled: true, replicasLeft: 3, stuck: [] });
});

test("a broker whose replicas others can take is drained until it is safe to stop it", async () => {
  await cluster.run("topic create pair -p 2 -r 1");
  await cluster.run("topic delete orders narrow");
  expect(await cluster.run("broker drain 1 --wait")).toMatchObject(
    shows("Broker 1 holds no replicas: it is safe to stop it for good. Then: ottla broker remove 1"),
  );
  expect(await cluster.run("broker list")).toMatchObject(shows(/ 1 .* live, draining +- +0 +0 /));
  await cluster.refuses({ "broker remove 1": "Cannot remove broker 1: " });
  expect(await cluster.json("broker drain 1")).toEqual({ nodeId: 1, cancelled: false, replicasLeft: 0, stuck: [] });
  expect(await cluster.run("broker drain 1 --cancel")).toMatchObject(shows("Broker 1 takes replicas again and holds 0"));
});

test("controllers are listed; features are shown and raised no further than every node goes", async () => {
  expect(await cluster.run("controller list")).toMatchObject(shows(/^Controller \d leads term \d+; committed up to \d+/));
  expect(await cluster.json("controller list")).toMatchObject({
    leaderId: expect.any(Number),
    term: expect.any(Number),
    members: expect.arrayContaining([1, 2, 3].map((nodeId) => expect.objectContaining({ nodeId, voter: true }))),
  });
  expect(await cluster.json("feature describe")).toEqual([{ name: "metadata.version", level: 1, supportedMin: 1, supportedMax: 1 }]);
  expect(await cluster.run("feature upgrade")).toMatchObject({ code: 0, stderr: "metadata.version is at level 1 already\n" });
  await cluster.refuses({
    "feature upgrade --level 99": "Cannot change metadata.version from 1 to 99",
    "feature upgrade --level 0": "a level is never lowered",
  });
});
