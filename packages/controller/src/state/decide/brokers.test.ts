import { errorName, type pb } from "@ottla/protocol";
import { expect, test } from "vitest";
import { Decisions, idOf, registration } from "../decisions.test.kit.ts";
import { fence, unfence } from "./brokers.ts";
import { hasSuccessors, moveLeadersAway, sendLeadersHome } from "./elections.ts";
import { electRecovered } from "./recovery.ts";
import { register } from "./registration.ts";

function cluster(brokers: number, topic: Partial<pb.NewTopic> = {}): Decisions {
  const decisions = new Decisions();
  for (let nodeId = 1; nodeId <= brokers; nodeId++) decisions.broker(nodeId, nodeId);
  decisions.create({ name: "t", partitions: 1, ...topic });
  return decisions;
}

const epochOf = (decisions: Decisions, nodeId: number): number => decisions.state.brokers.get(nodeId)?.brokerEpoch ?? -1;
const fenceNode = (decisions: Decisions, nodeId: number) =>
  decisions.entry((draft) => void fence(draft, decisions.around, nodeId, epochOf(decisions, nodeId), "it is gone"));
const unfenceNode = (decisions: Decisions, nodeId: number) =>
  decisions.entry((draft) => void unfence(draft, decisions.around, nodeId, epochOf(decisions, nodeId)));
const startAgain = (decisions: Decisions, nodeId: number, incarnation: number, o: Partial<pb.RegisterCommand> = {}) =>
  decisions.entry((draft) => void register(decisions.context(draft, nodeId), { ...registration(nodeId, incarnation), ...o }, "gone"));
const events = (decisions: Decisions, kind: string): string[] =>
  [...decisions.state.events.after(0)].filter((event) => event.kind === kind).map(({ text }) => text);

function only(decisions: Decisions): pb.PartitionRecord {
  const [partition] = decisions.partitions("t");
  if (!partition) throw new Error("no partition");
  return partition;
}

test("brokers that are fenced one after the other leave the in-sync replicas, and the eligible ones lead when they come back", () => {
  const decisions = cluster(3);
  const [a = 0, b = 0, c = 0] = only(decisions).replicas;
  fenceNode(decisions, a);
  expect(only(decisions)).toMatchObject({ leader: b, leaderEpoch: 1, isr: [b, c], elr: [] });
  fenceNode(decisions, b);
  expect(only(decisions)).toMatchObject({ leader: c, leaderEpoch: 2, isr: [c], elr: [b] });
  fenceNode(decisions, c);
  expect(only(decisions)).toMatchObject({ leader: -1, leaderEpoch: 3, isr: [], elr: expect.arrayContaining([b, c]) });
  expect(only(decisions).lastEligible.toSorted()).toEqual([b, c].toSorted());
  // It may lack what was acknowledged without it.
  unfenceNode(decisions, a);
  expect(only(decisions).leader).toBe(-1);
  unfenceNode(decisions, b);
  expect(only(decisions)).toMatchObject({ leader: b, leaderEpoch: 4, isr: [b], elr: [c], lastEligible: [] });
  expect(events(decisions, "fenced")[2]).toBe(
    `Broker ${c} is fenced: it is gone; it left the in-sync replicas of 1 partitions, 0 that it led have other leaders, 1 have none`,
  );
  expect(events(decisions, "elected").at(-1)).toBe(`Broker ${b} leads t-0 in epoch 4: broker ${b} is live`);
});

test("a broker that follows the cluster too far behind is elected only when nobody else can lead", () => {
  const decisions = cluster(3);
  const [a = 0, b = 0, c = 0] = only(decisions).replicas;
  decisions.lastResort.add(b);
  fenceNode(decisions, a);
  expect(only(decisions).leader).toBe(c);
  fenceNode(decisions, c);
  expect(only(decisions).leader).toBe(b);
});

test("a broker that comes back with another directory, or an old copy of its own, or damage is not eligible (P9)", () => {
  for (const [past, reason] of [
    [{ directoryId: idOf(99) }, "with another data directory"],
    [{ cleanShutdownEpoch: 1 }, "an old copy"],
    [{ damaged: [{ partition: 0, kind: 1, lastEpoch: 0, endOffset: 3 }] }, "0 logs cut at the end, 1 damaged, 0 not synced"],
  ] as const) {
    const decisions = cluster(3, { configs: [{ name: "min.insync.replicas", value: "3" }] });
    const topicId = decisions.topicId("t");
    const damaged = "damaged" in past ? past.damaged.map((each) => ({ ...each, topicId })) : [];
    startAgain(decisions, 2, 77, { ...past, damaged });
    expect(only(decisions)).toMatchObject({ isr: only(decisions).replicas.filter((each) => each !== 2), elr: [] });
    expect(events(decisions, "registered").at(-1)).toContain(reason);
    startAgain(decisions, 3, 78);
    expect(only(decisions)).toMatchObject({ elr: [3] });
  }
});

test("a directory that does not remember the incarnation registered last is an old copy, whether or not it was made after a clean stop (P9)", () => {
  const start = (former: number[], cleanShutdownEpoch = 0) => {
    const decisions = cluster(3, { configs: [{ name: "min.insync.replicas", value: "3" }] });
    startAgain(decisions, 2, 77, { formerIncarnations: [present(decisions, 2).incarnation] });
    expect(only(decisions)).toMatchObject({ elr: [2] });
    const formerIncarnations = former.map((each) => idOf(each));
    startAgain(decisions, 2, 78, { formerIncarnations, cleanShutdownEpoch });
    return { elr: only(decisions).elr, told: events(decisions, "registered").at(-1) };
  };
  expect(start([76])).toMatchObject({ elr: [], told: expect.stringContaining("an old copy") });
  expect(start([76], 1)).toMatchObject({ elr: [], told: expect.stringContaining("an old copy") });
  expect(start([76, 77])).toMatchObject({ elr: [2], told: expect.stringContaining("without a clean stop") });
  // One that began between and of which the controllers never heard; it stopped in order, and left the mark of the one before it.
  expect(start([77, 80], 1)).toMatchObject({ elr: [2] });
});

test("a log that had not been synced when the broker ended is not eligible, whatever the flush policy is by now; one of which nothing is told is", () => {
  for (const unsynced of [true, false]) {
    const decisions = cluster(2);
    const damaged = unsynced ? [{ topicId: decisions.topicId("t"), partition: 0, kind: 2, lastEpoch: 0, endOffset: 7 }] : [];
    startAgain(decisions, 2, 77, { damaged });
    expect(only(decisions).elr).toEqual(unsynced ? [] : [2]);
  }
});

test("when all candidates lost something, enough of them are heard, then the one with the most leads and the loss is recorded (P21)", () => {
  const decisions = cluster(3);
  const topicId = decisions.topicId("t");
  const replicas = [...only(decisions).replicas];
  const cut = (endOffset: number, lastEpoch: number) => ({ damaged: [{ topicId, partition: 0, kind: 0, lastEpoch, endOffset }] });
  // All at once: nobody was fenced when the power went.
  const [a = 0, b = 0, c = 0] = replicas;
  decisions.entry((draft) => {
    for (const nodeId of [a, b, c]) draft.write({ case: "broker", value: { ...present(decisions, nodeId), fenced: true } });
    draft.write({
      case: "partition",
      value: { ...only(decisions), leader: -1, leaderBrokerEpoch: 0, isr: [], elr: [a, b, c], lastEligible: [a, b, c] },
    });
  });
  startAgain(decisions, a, 71, cut(900, 1));
  unfenceNode(decisions, a);
  const electNow = () => decisions.entry((draft) => void electRecovered(draft, decisions.around, only(decisions), true));
  electNow();
  expect(only(decisions).leader, "one of three is too few").toBe(-1);
  startAgain(decisions, b, 72, cut(700, 2));
  unfenceNode(decisions, b);
  expect(only(decisions), "the third may be intact").toMatchObject({ leader: -1, elr: [c], lastEligible: [a, b, c] });
  const waited = structuredClone(only(decisions).reports);
  expect(waited).toEqual([
    { nodeId: a, lastEpoch: 1, endOffset: 900 },
    { nodeId: b, lastEpoch: 2, endOffset: 700 },
  ]);
  electNow();
  expect(only(decisions)).toMatchObject({ leader: b, isr: [b], elr: [], lastEligible: [], reports: [] });
  expect(events(decisions, "unclean")).toEqual([
    `Broker ${b} leads t-0 in epoch 1: the logs of all candidates were cut, damaged or replaced; that of broker ${b} has the most; its log ends at offset 700 of epoch 2. Acknowledged records that it lacks may be lost; candidates were [${a}, ${b}, ${c}]`,
  ]);
});

test("a leader elected when it was dead already, and whose log is damaged, does not come before a replica that has more and was found torn earlier", () => {
  const decisions = cluster(3);
  const topicId = decisions.topicId("t");
  const [a = 0, b = 0, c = 0] = only(decisions).replicas;
  const left = (kind: number, lastEpoch: number, endOffset: number) => ({
    damaged: [{ topicId, partition: 0, kind, lastEpoch, endOffset }],
  });
  // The power went for all at once; it is noticed one after the other.
  fenceNode(decisions, a);
  const next = only(decisions).leader;
  const other = next === b ? c : b;
  startAgain(decisions, other, 71, left(0, 0, 38));
  unfenceNode(decisions, other);
  expect(only(decisions)).toMatchObject({ leader: next, isr: [next] });
  startAgain(decisions, next, 72, left(1, -1, 0));
  expect(only(decisions)).toMatchObject({ leader: -1, elr: [], lastEligible: [next] });
  unfenceNode(decisions, next);
  expect(only(decisions)).toMatchObject({ leader: other, isr: [other], elr: [], reports: [] });
  expect(events(decisions, "unclean").at(-1)).toContain(`that of broker ${other} has the most; its log ends at offset 38 of epoch 0`);
});

test("what a replica said of its log is forgotten once a leader acts: it follows that one since", () => {
  const decisions = cluster(3);
  const topicId = decisions.topicId("t");
  const [a = 0, b = 0, c = 0] = only(decisions).replicas;
  startAgain(decisions, c, 71, { damaged: [{ topicId, partition: 0, kind: 0, lastEpoch: 0, endOffset: 38 }] });
  unfenceNode(decisions, c);
  expect(only(decisions).reports.map(({ nodeId }) => nodeId)).toEqual([c]);
  const { leader, leaderEpoch, partitionEpoch } = only(decisions);
  const isr = [a].map((nodeId) => ({ nodeId, brokerEpoch: present(decisions, nodeId).brokerEpoch }));
  const asked = { topicId, partition: 0, leaderEpoch, partitionEpoch, isr, damaged: [], reason: "" };
  decisions.command(leader, { case: "alterPartitions", value: { partitions: [asked] } });
  expect(only(decisions)).toMatchObject({ isr: [a], elr: [b], reports: [] });
});

test("an intact candidate leads at once, whatever the others reported", () => {
  const decisions = cluster(3);
  const [a = 0, b = 0, c = 0] = only(decisions).replicas;
  fenceNode(decisions, a);
  fenceNode(decisions, b);
  fenceNode(decisions, c);
  startAgain(decisions, b, 72, { directoryId: idOf(99) });
  unfenceNode(decisions, b);
  expect(only(decisions).leader).toBe(-1);
  startAgain(decisions, c, 73);
  unfenceNode(decisions, c);
  expect(only(decisions)).toMatchObject({ leader: c, isr: [c], elr: [] });
  expect(events(decisions, "unclean")).toEqual([]);
});

test("one replica alone whose end was cut leads again when its broker is live, and that is recorded", () => {
  const decisions = cluster(1);
  const damaged = [{ topicId: decisions.topicId("t"), partition: 0, kind: 0, lastEpoch: 0, endOffset: 5 }];
  startAgain(decisions, 1, 2, { damaged });
  expect(only(decisions).leader).toBe(-1);
  unfenceNode(decisions, 1);
  expect(only(decisions)).toMatchObject({ leader: 1, isr: [1] });
  expect(events(decisions, "unclean").length).toBe(1);
});

test("leaders go home to brokers that have settled, and only where they are in sync", () => {
  const decisions = cluster(3, { partitions: 3 });
  const home = decisions.partitions("t").findIndex(({ leader }) => leader === 1);
  fenceNode(decisions, 1);
  unfenceNode(decisions, 1);
  const sendHome = (settled: boolean) => decisions.entry((draft) => void sendLeadersHome(draft, decisions.around, () => settled, 10));
  sendHome(true);
  expect(decisions.partitions("t")[home]?.leader, "not in sync").not.toBe(1);
  rejoin(decisions, home, [1, 2, 3]);
  sendHome(false);
  expect(decisions.partitions("t")[home]?.leader, "not settled").not.toBe(1);
  sendHome(true);
  expect(decisions.partitions("t").map(({ leader, replicas: [preferred] }) => leader === preferred)).toEqual([true, true, true]);
});

test("a broker that holds replicas or runs is not removed; a dead one without is forgotten with all that waited for it", () => {
  const decisions = cluster(3, { replicationFactor: 2 });
  decisions.create({ name: "u", partitions: -1, replicationFactor: -1, assignments: [{ nodes: [3] }] });
  const remove = (nodeId: number) => errorName(decisions.command(1, { case: "removeBroker", value: { nodeId } }).errorCode);
  expect(remove(9)).toBe("BROKER_ID_NOT_REGISTERED");
  expect(remove(1)).toBe("INVALID_REQUEST");
  decisions.command(1, { case: "deleteTopics", value: { names: ["u", "t"], topicIds: [] } });
  expect(remove(3)).toBe("INVALID_REQUEST");
  fenceNode(decisions, 3);
  expect(remove(3)).toBe("NONE");
  expect(decisions.state.brokers.get(3)).toBeUndefined();
  expect([...decisions.state.deletedTopics.values()].some(({ homes }) => homes.some(({ nodeId }) => nodeId === 3))).toBe(false);
  expect(events(decisions, "removed")).toEqual(["Broker 3 was removed from the cluster"]);
});

test("the loss of a broker with thousands of partitions is one event for all, not one for each", () => {
  const decisions = cluster(3, { partitions: 6000, replicationFactor: 3 });
  const before = decisions.state.events.last;
  const draft = fenceNode(decisions, 1);
  expect(draft.records.filter(({ record }) => record.case === "partition").length).toBe(6000);
  expect(decisions.state.topics.partitions.leaderless.size).toBe(0);
  expect([...decisions.state.events.after(before)].map(({ kind }) => kind)).toEqual(["fenced", "elected"]);
  expect(events(decisions, "elected").at(-1)).toMatch(
    /^2000 partitions \(t-\d+, t-\d+, t-\d+, t-\d+, t-\d+, …\): others lead them: broker 1 is fenced$/,
  );
});

function present(decisions: Decisions, nodeId: number): pb.BrokerRecord {
  const broker = decisions.state.brokers.get(nodeId);
  if (!broker) throw new Error(`no broker ${nodeId}`);
  return broker;
}

function rejoin(decisions: Decisions, partition: number, isr: number[]): void {
  const { leader, leaderEpoch, partitionEpoch, topicId } = decisions.partitions("t")[partition] ?? only(decisions);
  const members = isr.map((nodeId) => ({ nodeId, brokerEpoch: epochOf(decisions, nodeId) }));
  decisions.command(leader, {
    case: "alterPartitions",
    value: { partitions: [{ topicId, partition, leaderEpoch, partitionEpoch, isr: members, damaged: [], reason: "" }] },
  });
}

test("whoever is a last resort hands on what others in sync can lead, keeps the rest, and goes home once it is none any more", () => {
  const decisions = cluster(3);
  const [a = 0, b = 0, c = 0] = only(decisions).replicas;
  const moveAway = () => decisions.entry((draft) => void moveLeadersAway(draft, decisions.around, a, "its disk is full"));
  const isStuck = () => !hasSuccessors(decisions.state, decisions.around, a);
  for (const each of [a, b, c]) decisions.lastResort.add(each);
  moveAway();
  expect([only(decisions).leader, isStuck()]).toEqual([a, true]);
  decisions.lastResort.delete(c);
  expect(isStuck()).toBe(false);
  moveAway();
  expect(only(decisions)).toMatchObject({ leader: c, leaderEpoch: 1, isr: expect.arrayContaining([a, b, c]) });
  expect(events(decisions, "elected").at(-1)).toBe(`Broker ${c} leads t-0 in epoch 1 after ${a}: its disk is full`);
  const sendHome = () => decisions.entry((draft) => void sendLeadersHome(draft, decisions.around, () => true, 10));
  const asked = () => {
    const { reply } = decisions.command(1, {
      case: "electLeaders",
      value: { partitions: [{ topicId: decisions.topicId("t"), partition: 0 }], unclean: false },
    });
    return reply.case === "electLeaders" ? errorName(reply.value.partitions[0]?.errorCode ?? -1) : "refused";
  };
  sendHome();
  expect(asked()).toBe("PREFERRED_LEADER_NOT_AVAILABLE");
  expect(only(decisions).leader).toBe(c);
  decisions.lastResort.delete(a);
  sendHome();
  expect(only(decisions).leader).toBe(a);
});
