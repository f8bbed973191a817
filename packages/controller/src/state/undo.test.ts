import { pb } from "@ottla/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fence, unfence } from "./decide/brokers.ts";
import { digestText } from "./digest.ts";
import type { Draft } from "./draft.ts";
import { encodeFact } from "./fact.ts";
import { InFlight } from "./in-flight.ts";
import { State } from "./state.ts";
import { Decisions, newTopic, registration } from "./decisions.test.kit.ts";

const name = fc.constantFrom("a", "b", "c.d", "c_d");
const group = fc.constantFrom("g1", "g2");
const node = fc.constantFrom(1, 2, 3);

type Step =
  | { kind: "command"; node: number; sequence: number; lowest: number; command: (decisions: Decisions) => pb.Command["command"] }
  | { kind: "register"; node: number; incarnation: number }
  | { kind: "fence" | "unfence"; node: number };

const topicId = (decisions: Decisions, topic: string): Uint8Array => decisions.state.topics.byName(topic)?.idBytes ?? new Uint8Array(16);

const command = fc.oneof(
  fc.tuple(name, fc.integer({ min: 1, max: 4 })).map(([topic, partitions]) => (): pb.Command["command"] => ({
    case: "createTopics",
    value: { topics: [newTopic({ name: topic, partitions, configs: [{ name: "retention.ms", value: "1000" }] })], validateOnly: false },
  })),
  name.map((topic) => (): pb.Command["command"] => ({ case: "deleteTopics", value: { names: [topic], topicIds: [] } })),
  fc.tuple(name, fc.integer({ min: 2, max: 6 })).map(([topic, total]) => (): pb.Command["command"] => ({
    case: "createPartitions",
    value: { topics: [{ name: topic, total, assignments: [] }], validateOnly: false },
  })),
  fc.tuple(name, fc.constantFrom(undefined, "5", "6")).map(([topic, value]) => (): pb.Command["command"] => ({
    case: "alterConfigs",
    value: {
      resources: [{ type: 2, name: topic, changes: [{ name: "retention.ms", operation: value === undefined ? 1 : 0, value }] }],
      validateOnly: false,
    },
  })),
  fc
    .tuple(group, name, fc.integer({ min: 0, max: 3 }), fc.nat(100))
    .map(([id, topic, partition, offset]) => (decisions: Decisions): pb.Command["command"] => ({
      case: "commitOffsets",
      value: { group: id, offsets: [{ topicId: topicId(decisions, topic), partition, offset, leaderEpoch: -1, metadata: "" }] },
    })),
  group.map((id) => (): pb.Command["command"] => ({ case: "deleteGroups", value: { groups: [id] } })),
  fc.constant((): pb.Command["command"] => ({ case: "allocateProducerIds", value: { count: 10 } })),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("command" as const), node, sequence: fc.nat(60), lowest: fc.nat(10), command }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("register" as const), node, incarnation: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("fence" as const, "unfence" as const), node }) },
);

function liveCluster(): Decisions {
  const decisions = new Decisions();
  for (const each of [1, 2, 3]) decisions.broker(each, 1);
  return decisions;
}

function run(decisions: Decisions, each: Step): Draft {
  const epoch = decisions.state.brokers.get(each.node)?.brokerEpoch ?? 0;
  switch (each.kind) {
    case "command": {
      const value = each.command(decisions);
      let reply: pb.CommandReply | null = null;
      return decisions.entry((draft) => {
        reply = decisions.decide(draft, each.node, value, { sequence: each.sequence, lowestUnanswered: each.lowest, brokerEpoch: epoch });
        expect(reply.sequence).toBe(each.sequence);
      });
    }
    case "register":
      return decisions.entry((draft) => {
        decisions.decide(
          draft,
          each.node,
          { case: "register", value: registration(each.node, each.incarnation) },
          { sequence: 0, lowestUnanswered: 0, brokerEpoch: 0 },
        );
      });
    case "fence":
      return decisions.entry((draft) => void fence(draft, decisions.around, each.node, epoch, "gone"));
    case "unfence":
      return decisions.entry((draft) => void unfence(draft, decisions.around, each.node, epoch));
  }
}

/** Everything that can be asked of a state. */
function content(state: State): unknown {
  const facts = [...state.facts()].map(([key, fact]) => [key, Buffer.from(encodeFact(fact)).toString("hex")]).sort();
  return {
    facts,
    digest: digestText(state.digest),
    topics: [...state.topics.all()].map(({ id, name: topic, partitions, configs }) => [id, topic, partitions.length, [...configs]]).sort(),
    metricNames: ["a", "b", "c.d"].map((each) => state.topics.byMetricName(each)?.id ?? null),
    partitionCount: state.topics.partitionCount,
    loads: [1, 2, 3].map((each) => ({ ...state.topics.partitions.load(each) })),
    held: [1, 2, 3].map((each) => partitionNames(state.topics.partitions.on(each))),
    leaderless: partitionNames(state.topics.partitions.leaderless),
    away: partitionNames(state.topics.partitions.away),
    moving: partitionNames(state.topics.partitions.moving),
    events: [...state.events.after(0)].map(({ number }) => number),
    groups: [...state.offsets.groups()].map(([id, offsets]) => [id, [...offsets.keys()].sort()]).sort(),
    offsets: state.offsets.count,
    replies: [1, 2, 3].map((each) => [...state.replies.of(each)].map(({ sequence }) => sequence).sort()),
    nextProducerId: state.nextProducerId,
    deleted: [...state.deletedTopics.keys()].sort(),
  };
}

function partitionNames(partitions: Iterable<pb.PartitionRecord>): string[] {
  return [...partitions].map(({ topicId: id, partition }) => `${Buffer.from(id).toString("hex")}-${partition}`).sort();
}

function replayed(entries: readonly Draft[]): State {
  const state = new State();
  for (const entry of entries) {
    const { digest, records } = pb.Entry.decode(entry.encode());
    expect(digestText(digest)).toBe(digestText(state.digest));
    for (const record of records) state.replay(record, []);
  }
  return state;
}

test("losing leadership with entries in flight returns to the state of what was committed", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), (steps, committed) => {
      const decisions = liveCluster();
      const entries = [...decisions.entries];
      const inFlight = new InFlight(decisions.state);
      for (const [at, each] of steps.entries()) {
        const draft = run(decisions, each);
        if (at < committed) entries.push(draft);
        else
          inFlight.append({
            index: draft.index,
            bytes: 1,
            digestBefore: draft.digestBefore,
            records: draft.records,
            changes: draft.changes,
          });
      }
      const twin = replayed(entries);
      expect(digestText(inFlight.committedDigest())).toBe(digestText(twin.digest));
      expect(content(fromFacts(inFlight))).toEqual(content(twin));
      inFlight.undo();
      expect(content(decisions.state)).toEqual(content(twin));
    }),
    { numRuns: 60 },
  );
});

test("a replica that replays the log has the leader's state", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const decisions = liveCluster();
      for (const each of steps) run(decisions, each);
      expect(content(replayed(decisions.entries))).toEqual(content(decisions.state));
    }),
    { numRuns: 60 },
  );
});

test("rolling back a command leaves nothing of it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), step, (steps, last) => {
      const decisions = liveCluster();
      for (const each of steps) run(decisions, each);
      const before = content(decisions.state);
      const draft = run(decisions, last);
      draft.rollBack({ records: 0, changes: 0, bytes: 0, holdsClusterRecords: false });
      expect(content(decisions.state)).toEqual(before);
    }),
    { numRuns: 40 },
  );
});

function fromFacts(inFlight: InFlight): State {
  const state = new State();
  for (const [, fact] of inFlight.committedFacts()) state.replay({ record: fact }, []);
  return state;
}
