import { pb, uuidFromBytes } from "@ottla/protocol";
import { Violation } from "./violation.ts";

/** One partition as the controllers have committed it. */
export interface CommittedPartition {
  readonly record: pb.PartitionRecord;
  readonly index: number;
}

interface LogEntry {
  readonly hash: string;
  readonly term: number;
  readonly by: number;
}

/** Hears of what changed for a partition. `recordedLoss`: the same entry tells of an election that may have lost records. */
export type OnPartition = (log: string, record: pb.PartitionRecord, former: pb.PartitionRecord | null, recordedLoss: boolean) => void;

/** The controllers' log as all of them replay it: one history, in which every decision about a partition follows the rules. */
export class Decisions {
  readonly partitions = new Map<string, CommittedPartition>();
  readonly brokers = new Map<number, pb.BrokerRecord>();
  readonly topics = new Map<string, string>();
  /** Settings as `name=value`, with the entry that made each. */
  readonly changes = new Map<string, number>();
  readonly #entries = new Map<number, LogEntry>();
  readonly #leaders = new Map<string, string>();
  readonly #onPartition: OnPartition;
  index = 0;
  /** Of the newest entry. */
  term = 0;

  constructor(onPartition: OnPartition) {
    this.#onPartition = onPartition;
  }

  /** A controller has replayed an entry. */
  committed(nodeId: number, index: number, term: number, records: readonly pb.MetadataRecord[]): void {
    const hash = records.map((record) => Buffer.from(pb.MetadataRecord.encode(record)).toString("base64")).join(" ");
    const known = this.#entries.get(index);
    if (known !== undefined) {
      if (known.hash !== hash)
        throw new Violation("R5", `entry ${index} at node ${nodeId} (term ${term}) is not that of node ${known.by} (term ${known.term})`);
      return;
    }
    this.#entries.set(index, { hash, term, by: nodeId });
    // Entries without records are not always told of; what comes late changes nothing here.
    if (index < this.index) return;
    this.index = index;
    this.term = Math.max(this.term, term);
    const losses = records.some(({ record }) => record.case === "event" && record.value.kind === "unclean");
    for (const record of records) this.#replay(record, losses);
  }

  #replay({ record }: pb.MetadataRecord, losses: boolean): void {
    switch (record.case) {
      case "broker": {
        const former = this.brokers.get(record.value.nodeId);
        if (former !== undefined && record.value.brokerEpoch < former.brokerEpoch)
          throw new Violation(
            "P1",
            `the broker epoch of node ${record.value.nodeId} fell from ${former.brokerEpoch} to ${record.value.brokerEpoch}`,
          );
        this.brokers.set(record.value.nodeId, record.value);
        return;
      }
      case "removeBroker":
        this.brokers.delete(record.value.nodeId);
        return;
      case "topic":
        this.topics.set(uuidFromBytes(record.value.topicId), record.value.name);
        return;
      case "removeTopic": {
        const id = uuidFromBytes(record.value.topicId);
        this.topics.delete(id);
        for (const log of this.partitions.keys()) if (log.startsWith(`${id}-`)) this.partitions.delete(log);
        return;
      }
      case "config":
        this.changes.set(`${record.value.name}=${record.value.value}`, this.index);
        return;
      case "partition":
        this.#partition(record.value, losses);
        return;
      default:
    }
  }

  #partition(record: pb.PartitionRecord, losses: boolean): void {
    const log = `${uuidFromBytes(record.topicId)}-${record.partition}`;
    const former = this.partitions.get(log)?.record ?? null;
    const name = `${this.topics.get(uuidFromBytes(record.topicId)) ?? "?"}-${record.partition}`;
    const fail = (invariant: string, text: string): never => {
      throw new Violation(invariant, `${name}: ${text}; now ${told(record)}${former === null ? "" : `, before ${told(former)}`}`);
    };
    if (former !== null && record.leaderEpoch < former.leaderEpoch) fail("P1", "the leader epoch fell");
    if (former !== null && record.partitionEpoch <= former.partitionEpoch) fail("P10", "the partition epoch did not rise");
    if (former !== null && record.leader >= 0 && record.leaderEpoch === former.leaderEpoch) {
      // P14: whoever asked for it is the leader that was elected, and lets in only who is there.
      const joined = record.isr.filter((node) => !former.isr.includes(node));
      const absent = joined.filter((node) => this.brokers.get(node)?.fenced !== false);
      if (joined.length > 0 && this.brokers.get(record.leader)?.brokerEpoch !== record.leaderBrokerEpoch)
        fail("P14", `a former incarnation of node ${record.leader} let ${joined.join(", ")} in`);
      if (absent.length > 0) fail("P14", `${absent.join(", ")} was let in while fenced`);
    }
    if (record.leader >= 0) {
      const leader = `node ${record.leader}, broker epoch ${record.leaderBrokerEpoch}`;
      const key = `${log}@${record.leaderEpoch}`;
      const known = this.#leaders.get(key);
      if (known !== undefined && known !== leader) fail("P1", `epoch ${record.leaderEpoch} is led by ${leader} and was by ${known}`);
      this.#leaders.set(key, leader);
      if (!record.isr.includes(record.leader)) fail("P10", "the leader is not in sync");
    }
    const strange = [...record.isr, ...record.elr].filter((node) => !record.replicas.includes(node));
    if (strange.length > 0) fail("P11", `${strange.join(", ")} has no replica`);
    if (record.elr.some((node) => record.isr.includes(node))) fail("P11", "a node is in sync and eligible too");
    this.partitions.set(log, { record, index: this.index });
    this.#onPartition(log, record, former, losses);
  }
}

export function told({ leader, leaderEpoch, isr, elr, replicas, partitionEpoch, lastEligible }: pb.PartitionRecord): string {
  const eligible = lastEligible.length > 0 ? `, last eligible ${lastEligible.join(",")}` : "";
  return `leader ${leader} epoch ${leaderEpoch}/${partitionEpoch}, in sync ${isr.join(",")}, eligible ${elr.join(",")}, replicas ${replicas.join(",")}${eligible}`;
}
