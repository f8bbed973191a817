import { errorName, pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Decisions, idOf, newTopic } from "../decisions.test.kit.ts";
import { fence } from "./brokers.ts";
import { TooFewBrokers } from "./context.ts";
import { MAX_PARTITIONS_PER_COMMAND } from "./create-topics.ts";

function cluster(brokers = 1, racks: readonly string[] = []): Decisions {
  const decisions = new Decisions();
  for (let nodeId = 1; nodeId <= brokers; nodeId++) decisions.broker(nodeId, nodeId, racks[nodeId - 1] ?? "");
  return decisions;
}

const errorOf = ({ errorCode }: { readonly errorCode: number }): string => errorName(errorCode);

test("a topic without numbers gets the defaults, and as many replicas as there are brokers up to three", () => {
  for (const [brokers, factor] of [
    [1, 1],
    [2, 2],
    [3, 3],
    [5, 3],
  ] as const) {
    const decisions = cluster(brokers);
    const [created] = decisions.create({ name: "t", partitions: -1 });
    expect(created).toMatchObject({ errorCode: 0, partitions: 1, replicationFactor: factor });
    expect(decisions.partitions("t")[0]?.isr.length).toBe(factor);
  }
});

test("replicas and leaders are spread evenly, whoever creates how many topics", () => {
  const decisions = cluster(4);
  for (let at = 0; at < 10; at++) decisions.create({ name: `t${at}`, partitions: 4, replicationFactor: 3 });
  for (const nodeId of [1, 2, 3, 4])
    expect(decisions.state.topics.partitions.load(nodeId)).toEqual({ replicas: 30, leaders: 10, preferred: 10 });
});

test("replicas of a partition stand in different racks while there are enough", () => {
  const racks = ["x", "x", "y", "y"];
  const decisions = cluster(4, racks);
  decisions.create({ name: "t", partitions: 20, replicationFactor: 2 });
  for (const { replicas } of decisions.partitions("t")) expect(new Set(replicas.map((nodeId) => racks[nodeId - 1])).size).toBe(2);
});

test("what cannot be created is refused by name, and the rest of the request is done", () => {
  const decisions = cluster();
  decisions.create({ name: "there" }, { name: "a.b" });
  const created = decisions.create(
    { name: "there" },
    { name: "a_b" },
    { name: "bad/name" },
    { name: "none", partitions: 0 },
    { name: "copies", replicationFactor: 2 },
    { name: "zero", replicationFactor: 0 },
    { name: "misspelt", configs: [{ name: "retention.msec", value: "1" }] },
    { name: "twice" },
    { name: "twice" },
    { name: "fine", partitions: 2, configs: [{ name: "retention.ms", value: "1000" }] },
  );
  expect(created.map((topic) => [topic.name, errorOf(topic)])).toEqual([
    ["there", "TOPIC_ALREADY_EXISTS"],
    ["a_b", "INVALID_TOPIC_EXCEPTION"],
    ["bad/name", "INVALID_TOPIC_EXCEPTION"],
    ["none", "INVALID_PARTITIONS"],
    ["copies", "INVALID_REPLICATION_FACTOR"],
    ["zero", "INVALID_REPLICATION_FACTOR"],
    ["misspelt", "INVALID_CONFIG"],
    ["twice", "INVALID_REQUEST"],
    ["twice", "INVALID_REQUEST"],
    ["fine", "NONE"],
  ]);
  expect([...decisions.state.topics.all()].map(({ name }) => name)).toEqual(["there", "a.b", "fine"]);
  expect([...(decisions.state.topics.byName("fine")?.configs ?? [])]).toEqual([["retention.ms", "1000"]]);
  expect(created[4]?.errorMessage).toContain("with 2 replicas: 1 of 1 registered brokers is live");
});

test("a factor that the brokers will not reach is refused at once; for brokers that may come back, and those about to register, it waits", () => {
  const decisions = cluster(2);
  const member = (nodeId: number, silentMs: number): pb.QuorumMember => ({
    ...{ nodeId, directoryId: new Uint8Array(16), voter: true, host: "", port: 0 },
    ...{ matchIndex: 0, silentMs },
  });
  decisions.members.push(member(1, 0), member(2, 10), member(3, -1));
  Object.assign(decisions.patience, { mayWait: true, mayRegister: true });
  const three = (): pb.CreatedTopic | undefined => decisions.create({ name: "t", replicationFactor: 3 })[0];
  expect(three()?.errorMessage).toContain("2 of 2 registered brokers are live");
  decisions.members.push(member(4, 5));
  expect(three).toThrow(TooFewBrokers);
  decisions.patience.mayRegister = false;
  expect(three()?.errorMessage).toContain("2 of 2 registered brokers are live");
  const epoch = decisions.broker(3, 30);
  decisions.entry((draft) => void fence(draft, decisions.around, 3, epoch, "it was silent"));
  expect(three).toThrow(TooFewBrokers);
  decisions.command(1, { case: "drainBroker", value: { nodeId: 3, rate: 0, cancel: false } });
  expect(three()?.errorMessage).toContain("2 of 3 registered brokers are live, 1 being drained");
});

test("explicit assignments are taken as they are, or refused when they cannot be", () => {
  const decisions = cluster(3);
  const assignments = (...nodes: number[][]): Partial<pb.NewTopic> => ({
    partitions: -1,
    replicationFactor: -1,
    assignments: nodes.map((each) => ({ nodes: each })),
  });
  const created = decisions.create(
    { name: "fine", ...assignments([3, 1], [2, 3]) },
    { name: "unknown", ...assignments([9]) },
    { name: "double", ...assignments([1, 1]) },
    { name: "uneven", ...assignments([1, 2], [3]) },
    { name: "numbers", ...assignments([1]), partitions: 1 },
  );
  expect(created.map(errorOf)).toEqual([
    "NONE",
    "INVALID_REPLICA_ASSIGNMENT",
    "INVALID_REPLICA_ASSIGNMENT",
    "INVALID_REPLICA_ASSIGNMENT",
    "INVALID_REQUEST",
  ]);
  expect(decisions.partitions("fine").map(({ replicas, leader }) => [replicas, leader])).toEqual([
    [[3, 1], 3],
    [[2, 3], 2],
  ]);
});

test("a request may create as many partitions as the limit, and not one more", () => {
  const decisions = cluster();
  const [tooMany] = decisions.create({ name: "t", partitions: MAX_PARTITIONS_PER_COMMAND + 1 });
  expect(tooMany && errorOf(tooMany)).toBe("POLICY_VIOLATION");
  const [first, second] = decisions.create({ name: "t", partitions: MAX_PARTITIONS_PER_COMMAND }, { name: "u" });
  expect(first?.errorCode).toBe(0);
  expect(second?.errorMessage).toContain("split the request");
  expect(decisions.partitions("t").length).toBe(MAX_PARTITIONS_PER_COMMAND);
});

test("validating only says what would happen and changes nothing", () => {
  const decisions = cluster();
  const before = decisions.state.digest;
  const { reply } = decisions.command(1, {
    case: "createTopics",
    value: { topics: [newTopic({ name: "t", partitions: 5 })], validateOnly: true },
  });
  expect(reply.case === "createTopics" && reply.value.topics[0]).toMatchObject({ errorCode: 0, partitions: 5, replicationFactor: 1 });
  expect(decisions.state.digest).toEqual(before);
});

test("a deleted topic takes settings and offsets along and is remembered until every directory has confirmed", () => {
  const decisions = cluster(2);
  decisions.create({ name: "t", partitions: 2, replicationFactor: 2, configs: [{ name: "retention.ms", value: "1" }] });
  const topicId = decisions.topicId("t");
  decisions.command(1, {
    case: "commitOffsets",
    value: { group: "g", offsets: [{ topicId, partition: 1, offset: 5, leaderEpoch: -1, metadata: "" }] },
  });
  const { reply } = decisions.command(1, { case: "deleteTopics", value: { names: ["t", "never"], topicIds: [idOf(99)] } });
  expect(reply.case === "deleteTopics" && reply.value.topics.map(errorOf)).toEqual([
    "NONE",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "UNKNOWN_TOPIC_ID",
  ]);
  expect(decisions.hasTopic(topicId)).toBe(false);
  expect([...decisions.state.keys()].filter((key) => /partition|config\/2|offset/.test(key))).toEqual([]);
  const homes = (): number[] | undefined => [...decisions.state.deletedTopics.values()][0]?.homes.map(({ nodeId }) => nodeId);
  expect(homes()).toEqual([1, 2]);
  decisions.command(2, { case: "confirmDeletion", value: { topicIds: [topicId] } });
  decisions.command(2, { case: "confirmDeletion", value: { topicIds: [topicId] } });
  expect(homes()).toEqual([1]);
  decisions.command(1, { case: "confirmDeletion", value: { topicIds: [topicId] } });
  expect(homes()).toBeUndefined();
  expect(decisions.create({ name: "t" })[0]?.errorCode).toBe(0);
});

test("partitions are added with the topic's number of replicas, never taken away", () => {
  const decisions = cluster(3);
  decisions.create({ name: "t", partitions: 2, replicationFactor: 2 });
  const grow = (total: number, assignments: number[][] = []): string => {
    const { reply } = decisions.command(1, {
      case: "createPartitions",
      value: { topics: [{ name: "t", total, assignments: assignments.map((nodes) => ({ nodes })) }], validateOnly: false },
    });
    return reply.case === "createPartitions" ? reply.value.topics.map(errorOf).join() : "refused";
  };
  expect(grow(2)).toBe("INVALID_PARTITIONS");
  expect(grow(4)).toBe("NONE");
  expect(grow(5, [[1]])).toBe("INVALID_REPLICA_ASSIGNMENT");
  expect(grow(5, [[3, 1]])).toBe("NONE");
  expect(decisions.partitions("t").map(({ partition, replicas }) => [partition, replicas.length])).toEqual([
    [0, 2],
    [1, 2],
    [2, 2],
    [3, 2],
    [4, 2],
  ]);
  expect(decisions.partitions("t")[4]?.replicas).toEqual([3, 1]);
});

test("settings are altered one by one, and all of a resource or none", () => {
  const decisions = cluster();
  decisions.create({ name: "t", configs: [{ name: "cleanup.policy", value: "delete" }] });
  const alter = (name: string, changes: [string, number, string?][], validateOnly = false, type = 2): string => {
    const { reply } = decisions.command(1, {
      case: "alterConfigs",
      value: {
        resources: [{ type, name, changes: changes.map(([key, operation, value]) => ({ name: key, operation, value })) }],
        validateOnly,
      },
    });
    return reply.case === "alterConfigs" ? reply.value.resources.map(errorOf).join() : "refused";
  };
  const configs = (): [string, string][] => [...(decisions.state.topics.byName("t")?.configs ?? [])].sort();
  const { ALTER_SET: set, ALTER_DELETE: remove, ALTER_APPEND: append, ALTER_SUBTRACT: subtract } = pb.AlterOperation;
  expect(
    alter("t", [
      ["retention.ms", set, "5"],
      ["segment.bytes", set, "1048576"],
    ]),
  ).toBe("NONE");
  expect(
    alter("t", [
      ["retention.ms", set, "6"],
      ["segment.bytes", set, "many"],
    ]),
  ).toBe("INVALID_CONFIG");
  expect(alter("t", [["retention.ms", set, "7"]], true)).toBe("NONE");
  expect(configs()).toEqual([
    ["cleanup.policy", "delete"],
    ["retention.ms", "5"],
    ["segment.bytes", "1048576"],
  ]);
  expect(alter("t", [["segment.bytes", remove]])).toBe("NONE");
  expect(alter("t", [["segment.byte", remove]])).toBe("INVALID_CONFIG");
  expect(alter("t", [["retention.ms", append, "1"]])).toBe("INVALID_CONFIG");
  expect(alter("t", [["follower.replication.throttled.replicas", append, "0:1,1:1"]])).toBe("NONE");
  expect(alter("t", [["follower.replication.throttled.replicas", subtract, "0:1"]])).toBe("NONE");
  expect(configs()).toEqual([
    ["cleanup.policy", "delete"],
    ["follower.replication.throttled.replicas", "1:1"],
    ["retention.ms", "5"],
  ]);
  expect(alter("never", [["retention.ms", set, "5"]])).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect(alter("", [["log.retention.ms", set, "9"]], false, 4)).toBe("NONE");
  expect([...decisions.state.brokerDefaults]).toContainEqual(["retention.ms", "9"]);
  expect(alter("", [["node.id", set, "9"]], false, 4)).toBe("INVALID_CONFIG");
  expect(alter("1", [["log.retention.ms", set, "9"]], false, 4)).toBe("INVALID_REQUEST");
  // As Kafka's tools do at the end of every reassignment: nothing was set, and nothing is.
  expect(alter("1", [["leader.replication.throttled.rate", remove]], false, 4)).toBe("NONE");
  expect(alter("9", [["leader.replication.throttled.rate", remove]], false, 4)).toBe("INVALID_REQUEST");
});

test("what decides about acknowledged records is written down at the founding, and taking it back leaves the default, never a gap", () => {
  const decisions = new Decisions({ logFlushPolicy: { kind: "os" }, minInsyncReplicas: 2 });
  decisions.broker(1, 1);
  const inForce = (): object => Object.fromEntries(decisions.state.brokerDefaults);
  expect(inForce()).toEqual({ "flush.policy": "os", "min.insync.replicas": "2" });
  const remove = pb.AlterOperation.ALTER_DELETE;
  const changes = ["log.flush.policy", "min.insync.replicas"].map((name) => ({ name, operation: remove, value: undefined }));
  decisions.command(1, { case: "alterConfigs", value: { resources: [{ type: 4, name: "", changes }], validateOnly: false } });
  expect(inForce()).toEqual({ "flush.policy": "commit", "min.insync.replicas": "-1" });
});

test("a new incarnation leads its partitions anew, in another leader epoch, and its old epoch is heard no more", () => {
  const decisions = cluster();
  decisions.create({ name: "t", partitions: 2 });
  const former = decisions.state.brokers.get(1)?.brokerEpoch ?? 0;
  const epoch = decisions.broker(1, 77);
  expect(epoch).toBeGreaterThan(former);
  expect(
    decisions
      .partitions("t")
      .map(({ leader, leaderEpoch, leaderBrokerEpoch, partitionEpoch }) => ({ leader, leaderEpoch, leaderBrokerEpoch, partitionEpoch })),
  ).toEqual([
    { leader: 1, leaderEpoch: 2, leaderBrokerEpoch: epoch, partitionEpoch: 2 },
    { leader: 1, leaderEpoch: 2, leaderBrokerEpoch: epoch, partitionEpoch: 2 },
  ]);
  expect(errorOf(decisions.command(1, { case: "listGroups", value: {} }, { brokerEpoch: former }))).toBe("STALE_BROKER_EPOCH");
  expect(errorOf(decisions.command(8, { case: "listGroups", value: {} }))).toBe("BROKER_ID_NOT_REGISTERED");
  const again = decisions.broker(1, 77);
  expect(again).toBe(epoch);
});

test("when a broker is fenced, in-sync replicas that live lead in its place; what nobody else can lead waits for it", () => {
  const decisions = cluster(2);
  decisions.create({ name: "both", replicationFactor: 2 }, { name: "one", partitions: -1, assignments: [{ nodes: [1] }] });
  const epoch = decisions.state.brokers.get(1)?.brokerEpoch ?? 0;
  decisions.entry((draft) => void fence(draft, decisions.around, 1, epoch, "gone"));
  expect(decisions.partitions("both")[0]?.leader).toBe(2);
  expect(decisions.partitions("one")[0]).toMatchObject({ leader: -1, leaderEpoch: 1, isr: [], elr: [1], lastEligible: [1] });
  const epoch2 = decisions.state.brokers.get(2)?.brokerEpoch ?? 0;
  decisions.entry((draft) => void fence(draft, decisions.around, 2, epoch2, "gone"));
  decisions.broker(1, 1);
  expect(decisions.partitions("one")[0]).toMatchObject({ leader: 1, leaderEpoch: 2, isr: [1], elr: [], lastEligible: [] });
  // Broker 1 had left while broker 2 still led, and 2 of 2 must be in sync: it is eligible.
  expect(decisions.partitions("both")[0]).toMatchObject({ leader: 1, isr: [1], elr: [2] });
});

test("a broker that shuts down hands over and is not unfenced again", () => {
  const decisions = cluster(2);
  decisions.create({ name: "t", partitions: 4, replicationFactor: 2 });
  decisions.command(1, { case: "shutdown", value: {} });
  expect(decisions.partitions("t").map(({ leader }) => leader)).toEqual([2, 2, 2, 2]);
  decisions.broker(1, 1);
  expect(decisions.state.brokers.get(1)).toMatchObject({ fenced: true, shuttingDown: true });
  decisions.broker(1, 5);
  expect(decisions.state.brokers.get(1)).toMatchObject({ fenced: false, shuttingDown: false });
});

test("a broker whose versions do not reach the cluster's is refused and told both", () => {
  const decisions = cluster();
  const refused = decisions.entry((draft) => {
    const command = {
      nodeId: 5,
      incarnation: idOf(1),
      directoryId: idOf(2),
      endpoints: [],
      rack: "",
      version: "9",
      metadataVersionMin: 2,
      metadataVersionMax: 3,
      cleanShutdownEpoch: 0,
      damaged: [],
      formerIncarnations: [],
    };
    const reply = decisions.decide(draft, 5, { case: "register", value: command }, { sequence: 1, lowestUnanswered: 0, brokerEpoch: 0 });
    expect(errorOf(reply)).toBe("UNSUPPORTED_VERSION");
    expect(reply.errorMessage).toContain("the cluster runs metadata.version 1, the broker (version 9) supports 2 to 3");
  });
  expect(refused.records).toEqual([]);
});
