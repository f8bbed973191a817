import { pb, uuidFromBytes, uuidToText } from "@ottla/protocol";
import { expect, test } from "vitest";
import { codeOf } from "../testing/fake-state.test.kit.ts";
import { FakeCluster } from "../testing/fake-cluster.test.kit.ts";

const fine = { errorCode: 0, errorMessage: "" };

test("partitions are moved with a rate, and one that cannot be is named while the others are done", async () => {
  await using cluster = await FakeCluster.start({ brokers: 2 });
  cluster.addTopic("t", 2);
  let asked: pb.ReassignPartitionsCall | null = null;
  cluster.onShape = (call) => {
    if (call.case !== "reassignPartitions") throw new Error(`unexpected ${String(call.case)}`);
    asked = call.value;
    const partitions = call.value.partitions.map(({ topicId, partition }) => ({
      topicId,
      partition,
      ...(partition === 0 ? fine : { errorCode: codeOf("INVALID_REPLICA_ASSIGNMENT"), errorMessage: "broker 9 is not registered" }),
    }));
    return { case: "reassignPartitions", value: { partitions } };
  };
  const admin = cluster.client().admin();
  const moves = [
    { topic: "t", partition: 0, replicas: [2, 1] },
    { topic: "t", partition: 1, replicas: [9] },
  ];
  await expect(cluster.run(admin.reassignPartitions(moves, { rate: 1_000_000 }))).rejects.toThrow(
    "Cannot reassign t-1: broker 9 is not registered [INVALID_REPLICA_ASSIGNMENT]",
  );
  expect(asked).toMatchObject({ rate: 1_000_000, partitions: [{ replicas: [2, 1], cancel: false }, { replicas: [9] }] });
  await expect(cluster.run(admin.reassignPartitions([{ topic: "t", partition: 7, replicas: [1] }]))).rejects.toThrow(
    "Cannot reassign t-7: the topic has partitions 0 to 1 [UNKNOWN_TOPIC_OR_PARTITION]",
  );
});

test("what is being moved is listed from the metadata, and all of it goes back when nothing is named", async () => {
  await using cluster = await FakeCluster.start({ brokers: 2 });
  cluster.addTopic("t", 2);
  Object.assign(cluster.partition("t", 1), { adding: [2], removing: [1] });
  const cancelled: pb.Reassignment[] = [];
  cluster.onShape = (call) => {
    if (call.case !== "reassignPartitions") throw new Error(`unexpected ${String(call.case)}`);
    cancelled.push(...call.value.partitions);
    return { case: "reassignPartitions", value: { partitions: call.value.partitions.map((each) => ({ ...each, ...fine })) } };
  };
  const admin = cluster.client().admin();
  expect(await cluster.run(admin.listReassignments())).toMatchObject([
    { topic: "t", partition: 1, adding: [2], removing: [1], waitingFor: [] },
  ]);
  expect(await cluster.run(admin.cancelReassignments())).toEqual([{ topic: "t", partition: 1 }]);
  expect(cancelled).toMatchObject([{ partition: 1, replicas: [], cancel: true }]);
});

test("an election that is not needed is no error; one that is not possible names the partition", async () => {
  await using cluster = await FakeCluster.start();
  const { id } = cluster.addTopic("t", 2);
  const outcome = (partition: number, errorCode: number): pb.PartitionOutcome => ({ topicId: id, partition, errorCode, errorMessage: "" });
  let second = codeOf("ELECTION_NOT_NEEDED");
  cluster.onShape = () => ({ case: "electLeaders", value: { partitions: [outcome(0, 0), outcome(1, second)] } });
  const admin = cluster.client().admin();
  expect(await cluster.run(admin.electLeaders())).toEqual([
    { topic: "t", partition: 0, changed: true },
    { topic: "t", partition: 1, changed: false },
  ]);
  second = codeOf("ELIGIBLE_LEADERS_NOT_AVAILABLE");
  await expect(cluster.run(admin.electLeaders([{ topic: "t", partition: 1 }]))).rejects.toThrow(
    "Cannot elect a leader of t-1: No replica may lead at the moment. [ELIGIBLE_LEADERS_NOT_AVAILABLE]",
  );
});

test("a drain is followed until nothing is left; with what no other broker can take it ends early, once none is away that may come back", async () => {
  await using cluster = await FakeCluster.start();
  const { id } = cluster.addTopic("t");
  let away = false;
  const nodes = () =>
    [1, 2].map((nodeId) => pb.ClusterNode.create({ nodeId, broker: true, fenced: nodeId === 2 && away, shuttingDown: false }));
  const stuck = { topicId: id, partition: 0, errorCode: codeOf("INVALID_REPLICATION_FACTOR"), errorMessage: "no other broker" };
  let left = 3;
  let none: pb.PartitionOutcome[] = [];
  cluster.onShape = (call) =>
    call.case === "describeCluster"
      ? { case: "describeCluster", value: pb.DescribeClusterAnswer.create({ nodes: nodes() }) }
      : { case: "drainBroker", value: { replicasLeft: Math.max(none.length, --left), stuck: none } };
  const admin = cluster.client().admin();
  const follow = async (): Promise<unknown[]> => {
    const seen: unknown[] = [];
    for await (const progress of admin.drainingBroker(1, { rate: 1000 })) seen.push(progress);
    return seen;
  };
  expect(await cluster.run(follow())).toEqual([2, 1, 0].map((replicasLeft) => ({ replicasLeft, stuck: [] })));
  left = 3;
  none = [stuck];
  const end = { replicasLeft: 1, stuck: [{ item: "t-0", error: "INVALID_REPLICATION_FACTOR", message: "no other broker" }] };
  expect((await cluster.run(follow())).at(-1)).toEqual(end);
  // A restart takes five seconds, and then there is room.
  away = true;
  cluster.clock.after(5_000, () => ([away, none, left] = [false, [], 2]));
  expect((await cluster.run(follow())).at(-1)).toEqual({ replicasLeft: 0, stuck: [] });
  [away, none] = [true, [stuck]];
  const startedMs = cluster.clock.monotonicMs();
  expect((await cluster.run(follow())).at(-1)).toEqual(end);
  expect(cluster.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(30_000);
});

test("voters, features and events come as people name them", async () => {
  await using cluster = await FakeCluster.start();
  const { id } = cluster.addTopic("t");
  const directoryId = cluster.host.random.uuid();
  const member = { nodeId: 2, directoryId, voter: true, host: "h", port: 9095, matchIndex: 7, silentMs: 3 };
  const event = { number: 5, timeMs: 1, kind: "elected", nodeId: -1, topicId: id, partition: 0, text: "broker 1 died" };
  cluster.onShape = (call) => {
    switch (call.case) {
      case "changeVoters":
        return { case: "changeVoters", value: { members: [{ ...member, nodeId: call.value.nodeId }] } };
      case "updateFeatures":
        return {
          case: "updateFeatures",
          value: { feature: { name: call.value.name, level: call.value.level, supportedMin: 1, supportedMax: 2 } },
        };
      case "describeEvents":
        return { case: "describeEvents", value: { events: [event] } };
      default:
        throw new Error(`unexpected ${String(call.case)}`);
    }
  };
  const admin = cluster.client().admin();
  expect(await cluster.run(admin.addVoter(3))).toMatchObject([{ nodeId: 3, directoryId: uuidToText(uuidFromBytes(directoryId)) }]);
  expect(await cluster.run(admin.updateFeature("metadata.version", 2))).toMatchObject({ level: 2 });
  expect(await cluster.run(admin.describeEvents({ after: 4 }))).toEqual([
    { number: 5, timeMs: 1, kind: "elected", nodeId: null, topic: "t", partition: 0, text: "broker 1 died" },
  ]);
  await expect(admin.removeBroker(-1)).rejects.toThrow("Cannot use nodeId: -1");
});
