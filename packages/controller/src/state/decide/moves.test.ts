import { errorName, type pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Decisions } from "../decisions.test.kit.ts";
import { fence } from "./brokers.ts";
import { continueDrains } from "./drain.ts";

function cluster(brokers: number, ...topics: Partial<pb.NewTopic>[]): Decisions {
  const decisions = new Decisions();
  for (let nodeId = 1; nodeId <= brokers; nodeId++) decisions.broker(nodeId, nodeId);
  decisions.create(...topics);
  return decisions;
}

const assigned = (...nodes: number[][]): Partial<pb.NewTopic> => ({
  partitions: -1,
  replicationFactor: -1,
  assignments: nodes.map((each) => ({ nodes: each })),
});

function only(decisions: Decisions, partition = 0): pb.PartitionRecord {
  const record = decisions.partitions("t")[partition];
  if (!record) throw new Error("no partition");
  return record;
}

const epochOf = (decisions: Decisions, nodeId: number): number => decisions.state.brokers.get(nodeId)?.brokerEpoch ?? -1;

function reassign(decisions: Decisions, replicas: number[], o: { cancel?: boolean; rate?: number } = {}): pb.PartitionOutcome {
  const { reply } = decisions.command(1, {
    case: "reassignPartitions",
    value: { partitions: [{ topicId: decisions.topicId("t"), partition: 0, replicas, cancel: o.cancel ?? false }], rate: o.rate ?? 0 },
  });
  if (reply.case !== "reassignPartitions") throw new Error("refused");
  const [outcome] = reply.value.partitions;
  if (!outcome) throw new Error("no outcome");
  return outcome;
}

/** The leader finds these in sync. */
function inSync(decisions: Decisions, isr: number[], partition = 0, change: Partial<pb.AlterPartition> = {}): string {
  const { leader, leaderEpoch, partitionEpoch, topicId } = only(decisions, partition);
  const members = isr.map((nodeId) => ({ nodeId, brokerEpoch: epochOf(decisions, nodeId) }));
  const { reply } = decisions.command(leader, {
    case: "alterPartitions",
    value: { partitions: [{ topicId, partition, leaderEpoch, partitionEpoch, isr: members, damaged: [], reason: "caught up", ...change }] },
  });
  if (reply.case !== "alterPartitions") throw new Error("refused");
  return errorName(reply.value.partitions[0]?.errorCode ?? -1);
}

test("a reassignment adds, waits until the added are in sync, then lets go, and the preferred leader is the first named", () => {
  const decisions = cluster(4, { name: "t", ...assigned([1, 2, 3]) });
  expect(reassign(decisions, [4, 2, 3], { rate: 1000 }).errorCode).toBe(0);
  expect(only(decisions)).toMatchObject({
    replicas: [4, 2, 3, 1],
    adding: [4],
    removing: [1],
    isr: [1, 2, 3],
    leader: 1,
    addingRate: 1000,
  });
  expect(inSync(decisions, [1, 2, 3, 4])).toBe("NONE");
  expect(only(decisions)).toMatchObject({
    replicas: [4, 2, 3],
    adding: [],
    removing: [],
    isr: [2, 3, 4],
    leader: 4,
    leaderEpoch: 1,
    addingRate: 0,
  });
  const [last] = [...decisions.state.events.after(0)].filter(({ kind }) => kind === "isr");
  expect(last?.text).toBe("In sync with t-0: [2, 3, 4], replicas [4, 2, 3] as wanted ([4] came, [1] went): caught up");
});

test("a replica that goes begins a new leader epoch: what it held before counts no more, should it come back (P3)", () => {
  const decisions = cluster(3, { name: "t", ...assigned([1, 2, 3]) });
  reassign(decisions, [1, 2]);
  expect(only(decisions)).toMatchObject({ replicas: [1, 2], isr: [1, 2], leader: 1, leaderEpoch: 1 });
  reassign(decisions, [1, 2, 3]);
  expect(only(decisions)).toMatchObject({ replicas: [1, 2, 3], adding: [3], isr: [1, 2], leader: 1, leaderEpoch: 1 });
  reassign(decisions, [], { cancel: true });
  expect(only(decisions)).toMatchObject({ replicas: [1, 2], leader: 1, leaderEpoch: 2 });
});

test("a cancelled reassignment leaves the replicas as they were", () => {
  const decisions = cluster(4, { name: "t", ...assigned([1, 2, 3]) });
  reassign(decisions, [1, 2, 4]);
  expect(reassign(decisions, [], { cancel: true }).errorCode).toBe(0);
  expect(only(decisions)).toMatchObject({ replicas: [1, 2, 3], adding: [], removing: [], isr: [1, 2, 3] });
  expect(errorName(reassign(decisions, [], { cancel: true }).errorCode)).toBe("NO_REASSIGNMENT_IN_PROGRESS");
});

test("replicas are refused by name where they cannot be", () => {
  const decisions = cluster(5, { name: "t", ...assigned([1, 2, 3]) });
  decisions.entry((draft) => void fence(draft, decisions.around, 5, epochOf(decisions, 5), "gone"));
  decisions.command(1, { case: "drainBroker", value: { nodeId: 4, rate: 0, cancel: false } });
  const before = only(decisions);
  for (const [replicas, why] of [
    [[], "it needs at least one replica"],
    [[1, 1], "broker 1 is named twice"],
    [[1, 9], "broker 9 is not registered"],
    [[1, 5], "broker 5 is fenced; start it first"],
    [[1, 4], "broker 4 is being drained; cancel that first or choose another"],
  ] as const) {
    const refused = reassign(decisions, [...replicas]);
    expect(errorName(refused.errorCode)).toBe("INVALID_REPLICA_ASSIGNMENT");
    expect(refused.errorMessage).toContain(why);
  }
  expect(only(decisions)).toBe(before);
});

test("in-sync replicas count only from the leader in its epoch, for brokers in the incarnation it saw (P8, P10)", () => {
  const decisions = cluster(3, { name: "t", ...assigned([1, 2, 3]) });
  expect(inSync(decisions, [1, 2])).toBe("NONE");
  expect(inSync(decisions, [1, 2, 3], 0, { leaderEpoch: 7 })).toBe("FENCED_LEADER_EPOCH");
  expect(inSync(decisions, [1, 2, 3], 0, { partitionEpoch: 0 })).toBe("INVALID_UPDATE_VERSION");
  expect(inSync(decisions, [1, 2, 3], 0, { isr: [1, 2, 3].map((nodeId) => ({ nodeId, brokerEpoch: 1 })) })).toBe("INELIGIBLE_REPLICA");
  expect(inSync(decisions, [2, 3])).toBe("INELIGIBLE_REPLICA");
  expect(inSync(decisions, [1, 2, 4])).toBe("INVALID_REQUEST");
  expect(inSync(decisions, [1, 2, 2])).toBe("INVALID_REQUEST");
  expect(inSync(decisions, [1, 2], 0, { topicId: new Uint8Array(3) })).toBe("INVALID_REQUEST");
  decisions.command(3, { case: "shutdown", value: {} });
  expect(inSync(decisions, [1, 2, 3])).toBe("INELIGIBLE_REPLICA");
  expect(only(decisions)).toMatchObject({ isr: [1, 2], partitionEpoch: 1 });
});

test("a leader whose log is damaged gives up what another in-sync replica can lead, and is not eligible itself", () => {
  const decisions = cluster(2, { name: "t", ...assigned([1, 2]) });
  expect(inSync(decisions, [2], 0, { damaged: [1], reason: "damage at offset 7" })).toBe("NONE");
  expect(only(decisions)).toMatchObject({ leader: 2, isr: [2], elr: [], leaderEpoch: 1 });
});

test("a drained broker loses its replicas as others catch up, live or dead, and then can be removed", () => {
  for (const dead of [false, true]) {
    const decisions = cluster(4, { name: "t", ...assigned([4, 1, 2], [1, 2, 4], [1, 2, 3]) });
    if (dead) decisions.entry((draft) => void fence(draft, decisions.around, 4, epochOf(decisions, 4), "gone"));
    const drain = (): pb.DrainBrokerAnswer => {
      const { reply } = decisions.command(1, { case: "drainBroker", value: { nodeId: 4, rate: 500, cancel: false } });
      if (reply.case !== "drainBroker") throw new Error("refused");
      return reply.value;
    };
    expect(drain()).toEqual({ replicasLeft: 2, stuck: [] });
    expect(only(decisions)).toMatchObject({ replicas: [3, 1, 2, 4], adding: [3], removing: [4], addingRate: 500 });
    inSync(decisions, dead ? [1, 2, 3] : [1, 2, 3, 4]);
    expect(drain()).toEqual({ replicasLeft: 1, stuck: [] });
    inSync(decisions, dead ? [1, 2, 3] : [1, 2, 3, 4], 1);
    expect(drain()).toEqual({ replicasLeft: 0, stuck: [] });
    expect(decisions.create({ name: "u", partitions: 20, replicationFactor: 3 })[0]?.errorCode).toBe(0);
    expect(decisions.state.topics.partitions.on(4).size, "a drained broker gets no new replicas").toBe(0);
  }
});

test("a drain whose new broker dies says that it is stuck; the move is cancelled, and the drain goes on with another", () => {
  const decisions = cluster(4, { name: "t", ...assigned([1, 2, 3]) });
  const drain = (nodeId: number): pb.DrainBrokerAnswer => {
    const { reply } = decisions.command(1, { case: "drainBroker", value: { nodeId, rate: 0, cancel: false } });
    if (reply.case !== "drainBroker") throw new Error("refused");
    return reply.value;
  };
  expect(drain(3)).toEqual({ replicasLeft: 1, stuck: [] });
  expect(only(decisions)).toMatchObject({ adding: [4], removing: [3] });
  decisions.entry((draft) => void fence(draft, decisions.around, 4, epochOf(decisions, 4), "gone for good"));
  const [stuck] = drain(3).stuck;
  expect(stuck?.errorMessage).toBe(
    "t-0 moves to broker 4, which is not live: start it, or cancel this move, and the drain chooses another broker",
  );
  expect(reassign(decisions, [], { cancel: true }).errorCode).toBe(0);
  expect(only(decisions)).toMatchObject({ replicas: [1, 2, 3], adding: [], removing: [], isr: [1, 2, 3] });
  decisions.broker(5, 5);
  decisions.entry((draft) => continueDrains(draft, decisions.around));
  expect(only(decisions)).toMatchObject({ adding: [5], removing: [3] });
});

test("a broker that dies while partitions are moved to it is drained of them too, so that it can be removed", () => {
  const decisions = cluster(4, { name: "t", ...assigned([1, 2, 3]) });
  reassign(decisions, [1, 2, 4]);
  decisions.entry((draft) => void fence(draft, decisions.around, 4, epochOf(decisions, 4), "gone for good"));
  decisions.broker(5, 5);
  decisions.command(1, { case: "drainBroker", value: { nodeId: 4, rate: 0, cancel: false } });
  expect(only(decisions)).toMatchObject({ replicas: [1, 2, 5, 3], adding: [5], removing: [3] });
  expect(decisions.command(1, { case: "removeBroker", value: { nodeId: 4 } }).errorCode).toBe(0);
});

test("a drain that nobody else has room for is refused and changes nothing", () => {
  const decisions = cluster(3, { name: "t", replicationFactor: 3 });
  const before = decisions.state.digest;
  const refused = decisions.command(1, { case: "drainBroker", value: { nodeId: 3, rate: 0, cancel: false } });
  expect(errorName(refused.errorCode)).toBe("INVALID_REPLICATION_FACTOR");
  expect(refused.errorMessage).toContain("start another broker or lower the topic's replication factor to 2");
  expect(decisions.state.digest).toEqual(before);
  expect(errorName(decisions.command(1, { case: "drainBroker", value: { nodeId: 7, rate: 0, cancel: false } }).errorCode)).toBe(
    "BROKER_ID_NOT_REGISTERED",
  );
});

test("a drain goes on with what was stuck once there is room, whoever leads the controllers by then", () => {
  const decisions = cluster(3, { name: "t", ...assigned([3, 1], [1, 2, 3].slice(0, 2)) }, { name: "full", replicationFactor: 3 });
  const { reply } = decisions.command(1, { case: "drainBroker", value: { nodeId: 3, rate: 9, cancel: false } });
  expect(reply.case === "drainBroker" && reply.value).toMatchObject({ replicasLeft: 2, stuck: [{ partition: 0 }] });
  decisions.broker(4, 4);
  decisions.entry((draft) => continueDrains(draft, decisions.around));
  expect(decisions.partitions("full")[0]).toMatchObject({ adding: [4], removing: [3], addingRate: 9 });
  decisions.command(1, { case: "drainBroker", value: { nodeId: 3, rate: 0, cancel: true } });
  expect(decisions.state.brokers.get(3)?.draining).toBe(false);
  expect(decisions.state.topics.partitions.moving.size).toBe(0);
  expect(decisions.partitions("full")[0]?.replicas.toSorted()).toEqual([1, 2, 3]);
});

test("a replication factor is raised and lowered, and refused above the brokers there are", () => {
  const decisions = cluster(3, { name: "t", partitions: 3, replicationFactor: 1 });
  const alter = (factor: number, validateOnly = false) =>
    decisions.command(1, { case: "alterReplicationFactor", value: { topicId: decisions.topicId("t"), factor, rate: 0, validateOnly } });
  const before = decisions.state.digest;
  expect(alter(3, true)).toMatchObject({ errorCode: 0, reply: { value: { partitions: [{}, {}, {}] } } });
  expect(decisions.state.digest).toEqual(before);
  expect(errorName(alter(4, true).errorCode)).toBe("INVALID_REPLICATION_FACTOR");
  expect(alter(4).errorMessage).toContain("4 replicas: 3 of 3 registered brokers can take new ones");
  expect(errorName(alter(0).errorCode)).toBe("INVALID_REPLICATION_FACTOR");
  expect(alter(3).errorCode).toBe(0);
  expect(decisions.partitions("t").map(({ adding }) => adding.length)).toEqual([2, 2, 2]);
  for (const partition of [0, 1, 2]) expect(inSync(decisions, [1, 2, 3], partition)).toBe("NONE");
  expect(decisions.state.topics.partitions.moving.size).toBe(0);
  expect(alter(2).errorCode).toBe(0);
  expect(decisions.partitions("t").map(({ replicas, isr }) => [replicas.length, isr.length])).toEqual([
    [2, 2],
    [2, 2],
    [2, 2],
  ]);
  for (const nodeId of [1, 2, 3]) expect(decisions.state.topics.partitions.load(nodeId)).toMatchObject({ preferred: 1 });
});

test("a lowered replication factor takes the replica of a broker that is being drained, not another's", () => {
  const decisions = cluster(3, { name: "t", ...assigned([1, 2, 3]) }, { name: "light", ...assigned([3, 1]) });
  decisions.command(1, { case: "drainBroker", value: { nodeId: 3, rate: 0, cancel: false } });
  expect(decisions.state.brokers.get(3)?.draining).toBe(true);
  expect(inSync(decisions, [1, 2, 3])).toBe("NONE");
  decisions.command(1, {
    case: "alterReplicationFactor",
    value: { topicId: decisions.topicId("t"), factor: 2, rate: 0, validateOnly: false },
  });
  expect(only(decisions).replicas).toEqual([1, 2]);
});

test("leaders are elected as asked: the preferred ones, or any live replica where the operator gives records up", () => {
  const decisions = cluster(2, { name: "t", ...assigned([1, 2]) });
  const elect = (unclean: boolean): string => {
    const { reply } = decisions.command(1, {
      case: "electLeaders",
      value: { partitions: [{ topicId: decisions.topicId("t"), partition: 0 }], unclean },
    });
    return reply.case === "electLeaders" ? errorName(reply.value.partitions[0]?.errorCode ?? -1) : "refused";
  };
  expect([elect(false), elect(true)]).toEqual(["ELECTION_NOT_NEEDED", "ELECTION_NOT_NEEDED"]);
  inSync(decisions, [1]);
  decisions.command(1, {
    case: "alterConfigs",
    value: {
      resources: [{ type: 2, name: "t", changes: [{ name: "min.insync.replicas", operation: 0, value: "1" }] }],
      validateOnly: false,
    },
  });
  expect(only(decisions), "with one in sync nobody else is eligible any more").toMatchObject({ isr: [1], elr: [] });
  decisions.entry((draft) => void fence(draft, decisions.around, 1, epochOf(decisions, 1), "gone"));
  expect(elect(false)).toBe("PREFERRED_LEADER_NOT_AVAILABLE");
  expect(elect(true)).toBe("NONE");
  expect(only(decisions)).toMatchObject({ leader: 2, isr: [2], elr: [] });
  const told = [...decisions.state.events.after(0)].filter(({ kind }) => kind === "unclean").map(({ text }) => text);
  expect(told).toEqual([
    "Broker 2 leads t-0 in epoch 2: an operator had it elected without being in sync. Acknowledged records that it lacks may be lost; candidates were [1]",
  ]);
});

test("features are raised only as far as every broker reads them", () => {
  const decisions = cluster(1, { name: "t" });
  const update = (name: string, level: number) =>
    decisions.command(1, { case: "updateFeatures", value: { name, level, validateOnly: false } });
  expect(errorName(update("nothing", 1).errorCode)).toBe("INVALID_REQUEST");
  expect(update("metadata.version", 2).errorMessage).toContain("from 1 to 2: controller 1 supports 1 to 1");
  expect(errorName(update("metadata.version", 0).errorCode)).toBe("FEATURE_UPDATE_FAILED");
  expect(update("metadata.version", 1).errorCode).toBe(0);
  decisions.metadataVersions = { min: 1, max: 2 };
  expect(update("metadata.version", 2).errorMessage).toContain("from 1 to 2: broker 1 (version 0) supports 1 to 1");
});

test("the newest thousand events are kept, numbered, and read from where one left off", () => {
  const decisions = cluster(1, { name: "t" });
  for (let at = 0; at < 1100; at++)
    decisions.command(1, {
      case: "reportTruncations",
      value: { truncations: [{ topicId: decisions.topicId("t"), partition: 0, leaderEpoch: 1, fromEnd: at + 1, toEnd: at }] },
    });
  const read = (afterNumber: number, limit: number): number[] => {
    const { reply } = decisions.command(1, { case: "describeEvents", value: { afterNumber, limit } });
    return reply.case === "describeEvents" ? reply.value.events.map(({ number }) => number) : [];
  };
  const { last } = decisions.state.events;
  expect(read(0, 0)).toEqual(Array.from({ length: 1000 }, (_, at) => last - 999 + at));
  expect(read(last - 5, 2)).toEqual([last - 1, last]);
  expect(read(last, 0)).toEqual([]);
});
