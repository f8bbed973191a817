import type { pb } from "@ottla/protocol";
import type { ReplicaLog, WrittenBatch } from "../disk/replica-log.ts";
import type { LogWitness } from "../disk/replica-logs.ts";
import { CommittedLog } from "./committed-log.ts";
import { Decisions, told } from "./decisions.ts";
import type { ObservedNode, ReplicaInspection } from "./inspection.ts";
import { QuorumChecks } from "./quorum.ts";
import { Violation } from "./violation.ts";

export interface Observed {
  readonly nodes: readonly ObservedNode[];
  logOf(nodeId: number, log: string): ReplicaLog | undefined;
  /** Bits of its files have flipped: it may find out at any time, and cut its log there. */
  damaged(nodeId: number): boolean;
}

/** What holds at every moment of a cluster's life, looked at from outside: files as the disk was told, decisions as the controllers
 * committed them, watermarks as brokers act on them. */
export class Invariants {
  readonly decisions: Decisions;
  readonly committed = new Map<string, CommittedLog>();
  readonly #observed: Observed;
  readonly #changed = new Set<string>();
  /** By node and log. */
  readonly #watermarks = new Map<string, number>();
  readonly #images = new Map<number, number>();
  readonly #lives = new Map<number, number>();
  readonly #quorum = new QuorumChecks();
  /** Elections that have lost records, as they had to be recorded. */
  readonly losses: { readonly log: string; readonly fromOffset: number; readonly toOffset: number }[] = [];
  violation: Violation | null = null;

  constructor(observed: Observed) {
    this.#observed = observed;
    this.decisions = new Decisions((log, record, former, recordedLoss) => this.#decided(log, record, former, recordedLoss));
  }

  /** For the disk of a node. */
  witness(nodeId: number): LogWitness {
    return {
      appended: (log, added) => {
        this.#changed.add(log);
        const first = added[0];
        if (first !== undefined) this.#of(log).forget(nodeId, first.baseOffset);
      },
      cut: (log, gone) => this.#keep(() => this.#cut(nodeId, log, gone)),
      dropped: (log) => this.#of(log).forget(nodeId, 0),
      durable: (log) => this.#changed.add(log),
      syncedInVain: (log, path) =>
        this.#note(new Violation("S1", `node ${nodeId} synced ${path} of ${this.nameOf(log)} once more after a sync of it had failed`)),
    };
  }

  /** A controller has replayed an entry. */
  replayed(nodeId: number, index: number, term: number, records: readonly pb.MetadataRecord[]): void {
    this.#keep(() => this.decisions.committed(nodeId, index, term, records));
  }

  /** A program was told that its record is safe (P15). */
  acknowledged(log: string, offset: number): void {
    this.#keep(() => this.#below("P15", log, offset, "acknowledged"));
  }

  /** A program was given a record (P16), or told that its commit of the next offset holds (G3). */
  handedOut(log: string, offset: number): void {
    this.#keep(() => this.#below("P16", log, offset, "handed out"));
  }

  /** @throws Violation that was seen since the last step or is seen now */
  step(): void {
    for (const node of this.#observed.nodes) if (node.takeNews()) this.#look(node);
    for (const log of this.#changed) this.#inSync(log);
    this.#changed.clear();
    if (this.violation !== null) throw this.violation;
  }

  nameOf(log: string): string {
    return `${this.decisions.topics.get(log.slice(0, 32)) ?? log.slice(0, 32)}${log.slice(32)}`;
  }

  #look(node: ObservedNode): void {
    const { nodeId, running, replicas, imageIndex, lives } = node;
    if (this.#lives.get(nodeId) !== lives) this.#reborn(nodeId, lives);
    this.#keep(() => this.#quorum.look(node));
    if (!running) return;
    if (imageIndex !== null) this.#image(nodeId, imageIndex);
    for (const replica of replicas) {
      const { log } = replica;
      const key = `${nodeId} ${log}`;
      const seen = this.#watermarks.get(key) ?? 0;
      const committed = this.#of(log);
      if (replica.startOffset > committed.startOffset) committed.startOffset = replica.startOffset;
      if (replica.highWatermark === seen) continue;
      this.#watermarks.set(key, replica.highWatermark);
      this.#keep(() => this.#raised(nodeId, log, replica));
    }
  }

  /** A new life: what the former one showed says nothing of it. */
  #reborn(nodeId: number, lives: number): void {
    this.#lives.set(nodeId, lives);
    this.#images.delete(nodeId);
    for (const key of this.#watermarks.keys()) if (key.startsWith(`${nodeId} `)) this.#watermarks.delete(key);
    for (const committed of this.committed.values()) committed.forget(nodeId, 0);
    for (const log of this.decisions.partitions.keys()) this.#changed.add(log);
  }

  #image(nodeId: number, index: number): void {
    const seen = this.#images.get(nodeId);
    if (seen !== undefined && index < seen)
      this.#note(new Violation("P20", `the image of node ${nodeId} went back from index ${seen} to ${index}`));
    const committed = Math.max(this.#quorum.commitIndex, this.decisions.index);
    if (index > committed) this.#note(new Violation("P20", `the image of node ${nodeId} is at index ${index}, committed is ${committed}`));
    this.#images.set(nodeId, index);
  }

  #raised(nodeId: number, log: string, replica: ReplicaInspection): void {
    const committed = this.#of(log);
    if (replica.startOffset > replica.highWatermark)
      throw new Violation(
        "P18",
        `${committed.name} starts at ${replica.startOffset} at node ${nodeId}, its high watermark is ${replica.highWatermark}`,
      );
    if (replica.highWatermark <= committed.highWatermark) return;
    if (replica.role === "leader" && replica.isr.length < replica.minInSync)
      throw new Violation(
        "P7",
        `${committed.name} commits at node ${nodeId} with ${replica.isr.length} in sync, needed are ${replica.minInSync}`,
      );
    committed.raise(nodeId, this.#observed.logOf(nodeId, log), replica.highWatermark);
    this.#changed.add(log);
  }

  /** P3, P4, P5, P8, P9: whoever may lead holds, durably, all that is committed, byte for byte. */
  #inSync(log: string): void {
    const partition = this.decisions.partitions.get(log);
    if (partition === undefined) return;
    const { record } = partition;
    const committed = this.#of(log);
    for (const nodeId of [...record.isr, ...record.elr]) {
      const node = this.#observed.nodes.find((one) => one.nodeId === nodeId);
      const broker = this.decisions.brokers.get(nodeId);
      if (node === undefined || !node.running || node.brokerEpoch === null || node.brokerEpoch !== broker?.brokerEpoch) continue;
      const held = this.#observed.logOf(nodeId, log);
      const durable = held?.durableOffset ?? 0;
      const why = record.leader === nodeId ? "leads" : record.isr.includes(nodeId) ? "is in sync" : "is eligible";
      if (durable < committed.highWatermark && committed.highWatermark > committed.startOffset)
        return this.#note(
          new Violation(
            "P3",
            `node ${nodeId} ${why} for ${committed.name}, holds ${durable} durably, committed is ${committed.highWatermark}; ${told(record)}`,
          ),
        );
      const different = committed.check(nodeId, held, committed.highWatermark);
      if (different !== null) return this.#note(new Violation("P5", `node ${nodeId} ${why}, and ${different}; ${told(record)}`));
    }
    const leader = this.#leaderView(record, log);
    if (leader === null || leader.isr.length < leader.minInSync) return;
    const outside = [...record.isr, ...record.elr].filter((nodeId) => !leader.maximalIsr.includes(nodeId));
    if (outside.length > 0)
      this.#note(
        new Violation(
          "P6",
          `the leader of ${committed.name} waits for ${leader.maximalIsr.join(",")} and not for ${outside.join(",")}; ${told(record)}`,
        ),
      );
  }

  #leaderView(record: pb.PartitionRecord, log: string): ReplicaInspection | null {
    const node = this.#observed.nodes.find(({ nodeId }) => nodeId === record.leader);
    if (node === undefined || !node.running || node.brokerEpoch !== record.leaderBrokerEpoch) return null;
    for (const replica of node.replicas)
      if (replica.log === log && replica.role === "leader" && replica.leaderEpoch === record.leaderEpoch) return replica;
    return null;
  }

  #decided(log: string, record: pb.PartitionRecord, former: pb.PartitionRecord | null, recordedLoss: boolean): void {
    this.#changed.add(log);
    if (former === null || record.leader < 0 || record.leaderEpoch === former.leaderEpoch) return;
    const eligible = former.leader < 0 ? [...former.isr, ...former.elr, ...former.lastEligible] : [...former.isr, ...former.elr];
    if (recordedLoss) this.#recordedLoss(log, record, eligible);
    // A move that is complete takes in the last added replica and moves the leader away at once.
    else if (!eligible.includes(record.leader) && record.replicas.includes(former.leader))
      throw new Violation(
        "P21",
        `${this.nameOf(log)}: node ${record.leader} was elected and no loss recorded; ${told(record)}, before ${told(former)}`,
      );
  }

  /** P21: an election may lose what is committed only once so many disks have lost it that it was not safe on one of the others. */
  #recordedLoss(log: string, record: pb.PartitionRecord, eligible: readonly number[]): void {
    const committed = this.#of(log);
    const { highWatermark } = committed;
    const endOffset = this.#observed.logOf(record.leader, log)?.endOffset ?? 0;
    if (endOffset >= highWatermark) return;
    const possible = [...new Set(eligible)];
    const without = possible.filter((nodeId) => (this.#observed.logOf(nodeId, log)?.endOffset ?? 0) < highWatermark);
    const needed = Math.min(majority(record.replicas.length), possible.length);
    if (without.length < needed)
      throw new Violation(
        "P21",
        `${committed.name}: node ${record.leader} was elected with a recorded loss from ${endOffset} to ${highWatermark}, yet only the disks of ${without.join(",") || "nobody"} lack it; ${told(record)}, eligible were ${possible.join(",")}`,
      );
    this.losses.push({ log, fromOffset: endOffset, toOffset: highWatermark });
    committed.lose(endOffset);
  }

  /** P13: what is cut off was not committed. */
  #cut(nodeId: number, log: string, gone: readonly WrittenBatch[]): void {
    const committed = this.#of(log);
    const first = gone[0];
    if (first === undefined) return;
    committed.forget(nodeId, first.baseOffset);
    this.#changed.add(log);
    const record = this.decisions.partitions.get(log)?.record;
    if (this.#observed.damaged(nodeId) || record?.replicas.includes(nodeId) !== true) return;
    // One that moved away and back again removes its former log at leisure, and then begins with nothing.
    const left = this.#observed.logOf(nodeId, log)?.batches[0];
    const counts = record.isr.includes(nodeId) || record.elr.includes(nodeId);
    if (!counts && (left === undefined || left.baseOffset > first.baseOffset)) return;
    this.#starts(nodeId, log);
    const lost = gone.find((batch) => batch.lastOffset >= committed.startOffset && committed.holds(batch));
    if (lost !== undefined)
      throw new Violation(
        "P13",
        `node ${nodeId} cut ${committed.name} at ${first.baseOffset}; ${lost.baseOffset} to ${lost.lastOffset} of epoch ${lost.leaderEpoch} is committed (up to ${committed.highWatermark})`,
      );
  }

  /** A log may be shortened at its beginning in the very step in which its start moves. */
  #starts(nodeId: number, log: string): void {
    const node = this.#observed.nodes.find((one) => one.nodeId === nodeId);
    const committed = this.#of(log);
    for (const replica of node?.replicas ?? [])
      if (replica.log === log && replica.startOffset > committed.startOffset) committed.startOffset = replica.startOffset;
  }

  #below(invariant: string, log: string, offset: number, what: string): void {
    const committed = this.#of(log);
    if (offset >= committed.highWatermark) {
      // The broker acted on a watermark within this very step.
      for (const node of this.#observed.nodes) this.#look(node);
      if (offset >= committed.highWatermark)
        throw new Violation(invariant, `${committed.name}@${offset} was ${what}, committed is ${committed.highWatermark}`);
    }
  }

  #of(log: string): CommittedLog {
    const known = this.committed.get(log);
    if (known !== undefined) return known;
    const made = new CommittedLog(this.nameOf(log));
    this.committed.set(log, made);
    return made;
  }

  /** What is called from within a node must not throw into it. */
  #keep(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#note(error);
    }
  }

  #note(violation: Violation): void {
    this.violation ??= violation;
  }
}

function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}
