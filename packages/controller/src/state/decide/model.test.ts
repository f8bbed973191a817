import { minInSync } from "@ottla/metadata";
import { uuidFromBytes, type pb } from "@ottla/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Decisions, idOf, newTopic, registration } from "../decisions.test.kit.ts";
import { isUsable } from "../tables/brokers.ts";
import { fence, unfence } from "./brokers.ts";
import { continueDrains } from "./drain.ts";
import { sendLeadersHome } from "./elections.ts";
import { electRecovered } from "./recovery.ts";
import { register } from "./registration.ts";

const NODES = [1, 2, 3, 4];
const TOPICS = ["a", "b", "c"];

type Past = "kept" | "clean" | "lost" | "copy" | "torn";
type Step =
  | { kind: "start"; node: number; past: Past }
  | { kind: "fence" | "unfence" | "shutdown" | "drain" | "undrain"; node: number }
  | { kind: "alter"; at: number; isr: number[]; damaged: number[]; stale: "no" | "partition" | "leader" | "member" }
  | { kind: "append" | "recover" | "prefer" | "home" | "goOn" | "force" | "cancel"; at: number }
  | { kind: "reassign"; at: number; replicas: number[] }
  | { kind: "factor"; at: number; factor: number }
  | { kind: "min"; at: number; value: number };

const node = fc.constantFrom(...NODES);
const at = fc.nat(5);
const nodes = fc.uniqueArray(node, { minLength: 1, maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("start" as const),
      node,
      past: fc.constantFrom<Past>("kept", "kept", "clean", "lost", "copy", "torn"),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("unfence" as const), node }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("fence" as const, "shutdown" as const, "drain" as const, "undrain" as const), node }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("alter" as const),
      at,
      isr: nodes,
      damaged: fc.oneof(
        { weight: 5, arbitrary: fc.constant<number[]>([]) },
        { weight: 1, arbitrary: fc.uniqueArray(node, { maxLength: 2 }) },
      ),
      stale: fc.constantFrom("no" as const, "no" as const, "no" as const, "partition" as const, "leader" as const, "member" as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("append" as const), at }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("recover" as const, "prefer" as const, "home" as const, "goOn" as const, "cancel" as const),
      at,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("force" as const), at }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("reassign" as const), at, replicas: nodes }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("factor" as const), at, factor: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("min" as const), at, value: fc.constantFrom(-1, 1, 2, 3) }) },
);

/** Brokers and their logs, as far as the decisions are about them: who has every acknowledged record of a partition. */
class Model {
  readonly decisions = new Decisions({ defaultReplicationFactor: 3 });
  /** By partition: who holds everything that was acknowledged. */
  readonly #complete = new Map<string, Set<number>>();
  readonly #leaders = new Map<string, string>();
  #incarnation = 100;
  #directory = 5000;
  readonly #directories = new Map<number, number>();
  readonly #events: pb.EventRecord[] = [];

  constructor() {
    for (const each of NODES) this.#start(each, "kept");
    for (const each of NODES) this.run({ kind: "unfence", node: each });
    this.decisions.create(
      newTopic({ name: "a", partitions: 2, replicationFactor: 3 }),
      newTopic({ name: "b", partitions: 2, replicationFactor: 2 }),
      newTopic({ name: "c", partitions: 2, replicationFactor: 1 }),
    );
    for (const partition of this.#partitions()) this.#complete.set(name(partition), new Set(partition.isr));
    this.#check(new Map(), "create");
  }

  run(each: Step): void {
    const before = new Map(this.#partitions().map((partition) => [name(partition), partition]));
    const last = this.decisions.state.events.last;
    this.#events.length = 0;
    this.#decide(each);
    this.#events.push(...this.decisions.state.events.after(last));
    this.#check(before, each.kind);
  }

  #partitions(): pb.PartitionRecord[] {
    return TOPICS.flatMap((topic) => this.decisions.partitions(topic));
  }

  #at(position: number): pb.PartitionRecord {
    const all = this.#partitions();
    const found = all[position % all.length];
    if (!found) throw new Error("no partitions");
    return found;
  }

  #decide(each: Step): void {
    const { decisions } = this;
    const { around } = decisions;
    const epochOf = (nodeId: number): number => decisions.state.brokers.get(nodeId)?.brokerEpoch ?? 0;
    const asBroker = (command: pb.Command["command"], nodeId = this.#anyNode()): pb.CommandReply => decisions.command(nodeId, command);
    switch (each.kind) {
      case "start":
        return this.#start(each.node, each.past);
      case "fence":
        return void decisions.entry((draft) => void fence(draft, around, each.node, epochOf(each.node), "it is gone"));
      case "unfence":
        return void decisions.entry((draft) => void unfence(draft, around, each.node, epochOf(each.node)));
      case "shutdown":
        return void asBroker({ case: "shutdown", value: {} }, each.node);
      case "drain":
      case "undrain":
        return void asBroker({ case: "drainBroker", value: { nodeId: each.node, rate: 0, cancel: each.kind === "undrain" } });
      case "alter":
        return this.#alter(each);
      case "append": {
        const partition = this.#at(each.at);
        if (partition.leader !== -1 && partition.isr.length >= this.#minOf(partition))
          this.#complete.set(name(partition), new Set(partition.isr));
        return;
      }
      case "recover": {
        const partition = this.#at(each.at);
        return void decisions.entry((draft) => void electRecovered(draft, around, partition, true));
      }
      case "prefer":
        return void asBroker({ case: "electLeaders", value: { partitions: [], unclean: false } });
      case "force":
        return void asBroker({ case: "electLeaders", value: { partitions: [this.#at(each.at)], unclean: true } });
      case "home":
        return void decisions.entry((draft) => void sendLeadersHome(draft, around, () => true, 100));
      case "goOn":
        return void decisions.entry((draft) => continueDrains(draft, around));
      case "cancel":
      case "reassign": {
        const { topicId, partition } = this.#at(each.at);
        const replicas = each.kind === "reassign" ? each.replicas : [];
        return void asBroker({
          case: "reassignPartitions",
          value: { partitions: [{ topicId, partition, replicas, cancel: each.kind === "cancel" }], rate: 0 },
        });
      }
      case "factor":
        return void asBroker({
          case: "alterReplicationFactor",
          value: { topicId: this.#at(each.at).topicId, factor: each.factor, rate: 0, validateOnly: false },
        });
      case "min": {
        const topic = decisions.state.topics.of(this.#at(each.at)).name;
        const change = { name: "min.insync.replicas", operation: 0, value: String(each.value) };
        return void asBroker({
          case: "alterConfigs",
          value: { resources: [{ type: 2, name: topic, changes: [change] }], validateOnly: false },
        });
      }
    }
  }

  #anyNode(): number {
    return NODES[0] ?? 1;
  }

  #minOf(partition: pb.PartitionRecord): number {
    const set = this.decisions.state.topics.of(partition).configs.get("min.insync.replicas");
    return minInSync(set === undefined ? -1 : Number(set), partition);
  }

  #start(nodeId: number, past: Past): void {
    const { decisions } = this;
    const former = decisions.state.brokers.get(nodeId);
    if (past === "lost") this.#directories.set(nodeId, ++this.#directory);
    const unclean = (partition: pb.PartitionRecord): boolean =>
      past === "lost" || past === "copy" || (past === "torn" && partition.partition === 0);
    const mine = this.#partitions().filter((partition) => partition.replicas.includes(nodeId));
    const value: pb.RegisterCommand = {
      ...registration(nodeId, ++this.#incarnation),
      directoryId: idOf(this.#directories.get(nodeId) ?? 1000 + nodeId),
      formerIncarnations: former && this.#incarnation % 2 === 0 ? [past === "copy" ? idOf(0) : former.incarnation] : [],
      cleanShutdownEpoch: past === "clean" ? (former?.brokerEpoch ?? 0) : past === "copy" ? 1 : 0,
      damaged:
        past === "torn"
          ? mine
              .filter(unclean)
              .map(({ topicId, partition }) => ({ topicId, partition, kind: 0, lastEpoch: nodeId % 2, endOffset: nodeId }))
          : [],
    };
    decisions.entry((draft) => void register(decisions.context(draft, nodeId), value, "gone"));
    if (former) for (const partition of mine) if (unclean(partition)) this.#complete.get(name(partition))?.delete(nodeId);
  }

  #alter({ at: position, isr, damaged, stale }: Step & { kind: "alter" }): void {
    const { decisions } = this;
    const before = this.#at(position);
    const { leader, topicId, partition } = before;
    if (leader === -1) return;
    const members = [...new Set([leader, ...isr])].filter((nodeId) => damaged.length === 0 || !damaged.includes(nodeId));
    const reply = decisions.command(leader, {
      case: "alterPartitions",
      value: {
        partitions: [
          {
            topicId,
            partition,
            leaderEpoch: before.leaderEpoch - (stale === "leader" ? 1 : 0),
            partitionEpoch: before.partitionEpoch - (stale === "partition" ? 1 : 0),
            isr: members.map((nodeId) => ({
              nodeId,
              brokerEpoch: (decisions.state.brokers.get(nodeId)?.brokerEpoch ?? 0) - (stale === "member" ? 1 : 0),
            })),
            damaged,
            reason: "",
          },
        ],
      },
    });
    if (reply.reply.case !== "alterPartitions") throw new Error(reply.errorMessage);
    const [altered] = reply.reply.value.partitions;
    const after = this.#at(position);
    if (stale !== "no" || altered?.errorCode !== 0) {
      expect(altered?.errorCode, "P10: stale epochs change nothing").not.toBe(0);
      expect(after).toBe(before);
      return;
    }
    const complete = this.#complete.get(name(before));
    for (const nodeId of damaged) complete?.delete(nodeId);
    // The leader says that they have everything.
    for (const nodeId of members) complete?.add(nodeId);
  }

  #check(before: ReadonlyMap<string, pb.PartitionRecord>, kind: string): void {
    const { brokers } = this.decisions.state;
    for (const partition of this.#partitions()) {
      const { replicas, isr, elr, leader, leaderEpoch, partitionEpoch, lastEligible, adding, removing } = partition;
      const key = name(partition);
      const text = `after ${kind}: ${JSON.stringify({ ...partition, topicId: key })}`;
      const former = before.get(key);
      // P1
      const holder = `${leader} in ${partition.leaderBrokerEpoch}`;
      const epoch = `${key} ${leaderEpoch}`;
      expect(this.#leaders.get(epoch) ?? holder, `P1 ${text}`).toBe(holder);
      this.#leaders.set(epoch, holder);
      if (leader !== -1) expect(brokers.get(leader)?.brokerEpoch, `P1 ${text}`).toBe(partition.leaderBrokerEpoch);
      expect(leaderEpoch, `P1 ${text}`).toBeGreaterThanOrEqual(former?.leaderEpoch ?? 0);
      if (former && former !== partition) expect(partitionEpoch, `P1 ${text}`).toBe(former.partitionEpoch + 1);
      // P8, P11
      for (const nodeId of isr) expect(isUsable(brokers.get(nodeId) ?? fencedBroker), `P8 ${text}`).toBe(true);
      expect(
        [...isr, ...elr].every((nodeId) => replicas.includes(nodeId)) && !isr.some((nodeId) => elr.includes(nodeId)),
        `P11 ${text}`,
      ).toBe(true);
      if (isr.length >= this.#minOf(partition)) expect(elr, `P6, P11 ${text}`).toEqual([]);
      expect(leader === -1 ? isr.length === 0 : isr.includes(leader), text).toBe(true);
      expect(adding.every((nodeId) => replicas.includes(nodeId)) && removing.every((nodeId) => replicas.includes(nodeId)), text).toBe(true);
      expect(new Set(replicas).size, text).toBe(replicas.length);
      // P21: registrations do not shrink who must be heard.
      if (leader !== -1) expect(lastEligible, text).toEqual([]);
      else if (former && sameSet(former.replicas, replicas))
        expect(
          sameSet(lastEligible, former.leader === -1 ? former.lastEligible : [...new Set([...former.isr, ...former.elr])]),
          `P21 ${text}`,
        ).toBe(true);
      if (leader === -1)
        expect(
          elr.some((nodeId) => isUsable(brokers.get(nodeId) ?? fencedBroker)),
          `P21: an intact candidate waits ${text}`,
        ).toBe(false);
      // P18
      if (former && ["reassign", "cancel", "factor", "drain", "undrain", "goOn"].includes(kind) && former.isr.length >= this.#minOf(former))
        expect(isr.length, `P18 ${text}`).toBeGreaterThanOrEqual(this.#minOf(partition));
      this.#checkContent(partition, text);
    }
  }

  /** P3, P4, P9: whoever is in sync, eligible or leads has every acknowledged record, unless a possible loss was recorded. */
  #checkContent(partition: pb.PartitionRecord, text: string): void {
    const key = name(partition);
    const complete = this.#complete.get(key);
    if (!complete) throw new Error(`no content for ${key}`);
    const lost = this.#events.some(
      (event) =>
        event.kind === "unclean" &&
        event.partition === partition.partition &&
        uuidFromBytes(event.topicId) === uuidFromBytes(partition.topicId),
    );
    if (lost) {
      complete.clear();
      complete.add(partition.leader);
    }
    for (const nodeId of complete) if (!partition.replicas.includes(nodeId)) complete.delete(nodeId);
    for (const nodeId of [...partition.isr, ...partition.elr]) expect(complete.has(nodeId), `P3, P9: broker ${nodeId} ${text}`).toBe(true);
  }
}

const fencedBroker = { fenced: true, shuttingDown: false } as pb.BrokerRecord;

function name({ topicId, partition }: pb.PartitionRecord): string {
  return `${uuidFromBytes(topicId)}-${partition}`;
}

function sameSet(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}

test("whatever comes, whoever is in sync or eligible has every acknowledged record, and no epoch has two leaders (P1, P3, P6, P8-P11, P18, P21)", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const model = new Model();
      for (const each of steps) model.run(each);
    }),
    { numRuns: 150 },
  );
});
