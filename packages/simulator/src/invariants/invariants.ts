import type { pb } from "@ottla/protocol";
import type { LogWitness } from "../disk/replica-logs.ts";
import { Appends } from "./appends.ts";
import { checkCandidates } from "./candidates.ts";
import type { CommittedLog } from "./committed-log.ts";
import { Decisions } from "./decisions.ts";
import { Elections, type Loss } from "./elections.ts";
import type { ObservedNode, ReplicaInspection } from "./inspection.ts";
import { Ledger, type Observed } from "./ledger.ts";
import { QuorumChecks } from "./quorum.ts";
import { checkCut } from "./truncation.ts";
import { Violation } from "./violation.ts";

/** What controllers show is looked at in every so manieth step of a node: what is wrong with it does not pass, and the simulation of the
 * Raft core looks at every step of theirs. */
const QUORUM_EVERY = 4;

interface Seen {
  highWatermark: number;
  startOffset: number;
}

/** What holds at every moment of a cluster's life, looked at from outside: files as the disk was told, decisions as the controllers
 * committed them, watermarks as brokers act on them. A step costs what it changed. */
export class Invariants {
  readonly decisions: Decisions;
  readonly #ledger: Ledger;
  readonly #elections: Elections;
  readonly #appends: Appends;
  readonly #quorum = new QuorumChecks();
  readonly #images = new Map<number, number>();
  #looks = 0;
  readonly #lives = new Map<number, number>();
  /** What each replica of each life has shown. */
  readonly #seen = new WeakMap<ReplicaInspection, Seen>();

  constructor(observed: Observed, eventCount: () => number) {
    this.decisions = new Decisions((log, record, former, recordedLoss) => this.#elections.decided(log, record, former, recordedLoss));
    this.#ledger = new Ledger(observed, this.decisions);
    this.#elections = new Elections(this.#ledger, eventCount);
    this.#appends = new Appends(this.#ledger);
  }

  get committed(): ReadonlyMap<string, CommittedLog> {
    return this.#ledger.committed;
  }

  get losses(): readonly Loss[] {
    return this.#elections.losses;
  }

  /** For the disk of a node. */
  witness(nodeId: number): LogWitness {
    const ledger = this.#ledger;
    return {
      appended: (log, added) => {
        ledger.changed.add(log);
        const first = added[0];
        if (first !== undefined) ledger.of(log).forget(nodeId, first.baseOffset);
        ledger.keep(() => this.#appends.wrote(nodeId, log, added));
      },
      cut: (log, gone, how) => {
        this.#appends.cut(log, gone);
        ledger.keep(() => checkCut(ledger, nodeId, log, gone, how));
      },
      dropped: (log) => ledger.of(log).forget(nodeId, 0),
      durable: (log) => void ledger.changed.add(log),
      syncedInVain: (log, path) =>
        ledger.note(new Violation("S1", `node ${nodeId} synced ${path} of ${ledger.nameOf(log)} once more after a sync of it had failed`)),
    };
  }

  /** A controller has replayed an entry. */
  replayed(nodeId: number, index: number, term: number, records: readonly pb.MetadataRecord[]): void {
    this.#ledger.keep(() => this.decisions.committed(nodeId, index, term, records));
  }

  /** A program was told that its record is safe (P15). */
  acknowledged(log: string, offset: number): void {
    this.#ledger.keep(() => this.#below("P15", log, offset, "acknowledged"));
  }

  /** A program was given a record (P16), or told that its commit of the next offset holds (G3). */
  handedOut(log: string, offset: number): void {
    this.#ledger.keep(() => this.#below("P16", log, offset, "handed out"));
  }

  /** @throws Violation that was seen since the last step or is seen now */
  step(): void {
    const ledger = this.#ledger;
    for (const node of ledger.observed.nodes) if (node.takeNews()) this.#look(node);
    if (ledger.changed.size > 0) {
      for (const log of ledger.changed) ledger.keep(() => checkCandidates(ledger, log));
      ledger.changed.clear();
      ledger.keep(() => this.#appends.check());
    }
    if (ledger.violation !== null) throw ledger.violation;
  }

  nameOf(log: string): string {
    return this.#ledger.nameOf(log);
  }

  /** The inverse of {@link nameOf}, for a topic that is there. */
  logOf(name: string): string {
    const at = name.lastIndexOf("-");
    for (const [id, topic] of this.decisions.topics) if (topic === name.slice(0, at)) return `${id}${name.slice(at)}`;
    return name;
  }

  #look(node: ObservedNode): void {
    const { nodeId, running, lives } = node;
    if (this.#lives.get(nodeId) !== lives) this.#reborn(nodeId, lives);
    this.#looks += 1;
    if (!running || this.#looks % QUORUM_EVERY === 0) this.#ledger.keep(() => this.#quorum.look(node));
    if (!running) return;
    this.#image(nodeId, node.imageIndex);
    for (const replica of node.replicas) {
      const { highWatermark, startOffset } = replica;
      const seen = this.#seen.get(replica);
      if (seen?.highWatermark === highWatermark && seen.startOffset === startOffset) continue;
      const before = seen?.highWatermark ?? 0;
      this.#ledger.of(replica.log).starts(startOffset);
      if (seen === undefined) this.#seen.set(replica, { highWatermark, startOffset });
      else Object.assign(seen, { highWatermark, startOffset });
      if (highWatermark !== before) this.#ledger.keep(() => this.#raised(nodeId, replica));
    }
  }

  /** A new life: what the former one showed says nothing of it. */
  #reborn(nodeId: number, lives: number): void {
    this.#lives.set(nodeId, lives);
    this.#images.delete(nodeId);
    this.#quorum.reborn(nodeId);
    for (const committed of this.#ledger.committed.values()) committed.forget(nodeId, 0);
    for (const log of this.decisions.partitions.keys()) this.#ledger.changed.add(log);
  }

  #image(nodeId: number, index: number | null): void {
    const seen = this.#images.get(nodeId);
    if (index === null || index === seen) return;
    if (seen !== undefined && index < seen)
      this.#ledger.note(new Violation("P20", `the image of node ${nodeId} went back from index ${seen} to ${index}`));
    if (index > this.#committedIndex) for (const node of this.#ledger.observed.nodes) this.#ledger.keep(() => this.#quorum.look(node));
    const committed = this.#committedIndex;
    if (index > committed)
      this.#ledger.note(new Violation("P20", `the image of node ${nodeId} is at index ${index}, committed is ${committed}`));
    this.#images.set(nodeId, index);
  }

  get #committedIndex(): number {
    return Math.max(this.#quorum.commitIndex, this.decisions.index);
  }

  #raised(nodeId: number, replica: ReplicaInspection): void {
    const { log } = replica;
    const committed = this.#ledger.of(log);
    if (replica.startOffset > replica.highWatermark)
      throw new Violation(
        "P18",
        `${committed.name} starts at ${replica.startOffset} at node ${nodeId}, its high watermark is ${replica.highWatermark}`,
      );
    if (replica.role === "leader") this.#appends.leads(nodeId, replica);
    if (replica.highWatermark <= committed.highWatermark) return;
    // It has not heard yet of an election that gave records up.
    if (replica.leaderEpoch < committed.historyEpoch) return;
    if (replica.role === "leader" && replica.isr.length < replica.minInSync)
      throw new Violation(
        "P7",
        `${committed.name} commits at node ${nodeId} with ${replica.isr.length} in sync, needed are ${replica.minInSync}`,
      );
    committed.raise(nodeId, this.#ledger.observed.logOf(nodeId, log), replica.highWatermark);
    this.#ledger.changed.add(log);
  }

  #below(invariant: string, log: string, offset: number, what: string): void {
    const committed = this.#ledger.of(log);
    if (offset < committed.highWatermark || this.#elections.lost(log, offset)) return;
    // The broker acted on a watermark within this very step.
    for (const node of this.#ledger.observed.nodes) this.#look(node);
    if (offset >= committed.highWatermark)
      throw new Violation(invariant, `${committed.name}@${offset} was ${what}, committed is ${committed.highWatermark}`);
  }
}
