import type { pb, ProtocolError } from "@ottla/protocol";
import type { Replica } from "./replica.ts";
import { type Held, RemoteReplica } from "./remote-replica.ts";

/** After a refusal the same is not proposed again for so long. */
const QUIET_MS = 500;

/** Why a proposal is refused whose record is not the one it speaks of. */
const newerRecord: ReadonlySet<string> = new Set(["INVALID_UPDATE_VERSION", "FENCED_LEADER_EPOCH", "NOT_LEADER_OR_FOLLOWER"]);

/** A wish of a leader: who is in sync from now on. Compare and set by the epochs. */
export interface InSyncProposal {
  readonly replica: Replica;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly pb.InSyncReplica[];
  /** Of those left out: they have lost records. */
  readonly damaged: readonly number[];
  readonly reason: string;
  /** False once its outcome can no longer matter. */
  open(): boolean;
  /** With null when it is committed, else why it never will be. Not called while that is unknown. */
  settle(refusal: ProtocolError | null): void;
}

/** Who is in sync with a leader: the committed set, what the leader has proposed, and what it knows of each follower's log. */
export class InSync {
  readonly #replica: Replica;
  /** The leader's end when its epoch began. */
  readonly #startOffset: number;
  readonly #sinceMs: number;
  readonly #remotes = new Map<number, RemoteReplica>();
  #record: pb.PartitionRecord;
  #maximal: readonly number[];
  #pending: InSyncProposal | null = null;
  #quietUntilMs = -Infinity;
  #ended = false;

  constructor(replica: Replica, record: pb.PartitionRecord, startOffset: number) {
    this.#replica = replica;
    this.#record = record;
    this.#startOffset = startOffset;
    this.#sinceMs = replica.around.clock.monotonicMs();
    this.#maximal = record.isr;
  }

  get committed(): readonly number[] {
    return this.#record.isr;
  }

  /** P6: committed or proposed. */
  get maximal(): readonly number[] {
    return this.#maximal;
  }

  /** How far a member holds the log as safely as the flush policy asks; undefined until it has said so in this epoch. */
  readonly held = (nodeId: number): number | undefined => {
    if (nodeId === this.#replica.around.nodeId) return this.#replica.heldOffset;
    const remote = this.#remotes.get(nodeId);
    return remote && this.#heldBy(remote);
  };

  update(record: pb.PartitionRecord): void {
    this.#record = record;
    // P10: what was proposed for a former partition epoch has been committed, or never will be.
    if (this.#pending !== null && record.partitionEpoch > this.#pending.partitionEpoch) this.#pending = null;
    this.#span();
  }

  /** Whether no other replica can have what lies behind `offset`, as far as they tell: all of them end there or before. */
  endsWithAll(offset: number): boolean {
    return this.#record.replicas.every((nodeId) => {
      const remote = this.#remotes.get(nodeId);
      return nodeId === this.#replica.around.nodeId || (remote?.attached === true && remote.endOffset <= offset);
    });
  }

  /** Replicas that may come to lead, or are there, and whose log begins before `offset`. */
  startingBefore(offset: number): number[] {
    const { peers, nodeId: own } = this.#replica.around;
    return this.#record.replicas.filter((nodeId) => {
      if (nodeId === own) return false;
      const brokerEpoch = peers.brokerEpoch(nodeId);
      const counts =
        this.#maximal.includes(nodeId) || this.#record.elr.includes(nodeId) || (brokerEpoch !== null && peers.mayJoin(nodeId, brokerEpoch));
      const remote = this.#remotes.get(nodeId);
      return counts && (remote === undefined || remote.brokerEpoch !== brokerEpoch || remote.held.startOffset < offset);
    });
  }

  /** A follower is about to be fed: it has said how far its log agrees with the leader's. */
  attach(nodeId: number, brokerEpoch: number, held: Held): RemoteReplica {
    const { log, around, name } = this.#replica;
    const nowMs = around.clock.monotonicMs();
    let remote = this.#remotes.get(nodeId);
    if (remote === undefined || remote.brokerEpoch !== brokerEpoch) {
      remote = new RemoteReplica(nodeId, brokerEpoch, held, log.endOffset, nowMs);
      this.#remotes.set(nodeId, remote);
    }
    remote.attached = true;
    const { highWatermark } = this.#replica;
    this.progressed(remote, held);
    if (this.#record.isr.includes(nodeId) && remote.endOffset < highWatermark) {
      around.logger.error(
        { partition: name, broker: nodeId, endOffset: remote.endOffset, highWatermark },
        "A replica that counts as in sync has lost committed records; it is taken out of the in-sync replicas",
      );
    }
    this.review();
    return remote;
  }

  /** @returns the remote's place may have moved the high watermark */
  progressed(remote: RemoteReplica, held: Held): void {
    const newlyDamaged = held.damaged && !remote.held.damaged;
    remote.held = held;
    const nowMs = this.#replica.around.clock.monotonicMs();
    remote.reached(this.#heldBy(remote), this.#replica.log.endOffset, nowMs);
    if (newlyDamaged || !this.#maximal.includes(remote.nodeId)) this.review();
  }

  /** The leader's own log has grown. */
  leaderMoved(): void {
    if (this.#remotes.size === 0) return;
    const nowMs = this.#replica.around.clock.monotonicMs();
    for (const remote of this.#remotes.values()) remote.leaderMoved(this.#replica.log.endOffset, nowMs);
  }

  end(): void {
    this.#ended = true;
  }

  /** Proposes who is in sync if that is not who is committed. Called now and then, because lag is the passing of time. */
  review(): void {
    const { around } = this.#replica;
    const nowMs = around.clock.monotonicMs();
    if (this.#ended || this.#pending !== null || nowMs < this.#quietUntilMs || this.#record.replicas.length === 1) return;
    const wanting = this.#record.isr.flatMap((nodeId) => this.#whyLeaving(nodeId, nowMs) ?? []);
    // Somebody has to lead.
    const leaving = wanting.length < this.#record.isr.length ? wanting : wanting.filter(({ nodeId }) => nodeId !== around.nodeId);
    const joining = this.#record.replicas.filter((nodeId) => !this.#record.isr.includes(nodeId) && this.#mayJoin(nodeId));
    if (leaving.length === 0 && joining.length === 0) return;
    const left = this.#record.isr.filter((nodeId) => !leaving.some((each) => each.nodeId === nodeId));
    const isr = [...left, ...joining].flatMap((nodeId) => {
      const brokerEpoch = around.peers.brokerEpoch(nodeId);
      return brokerEpoch === null ? [] : { nodeId, brokerEpoch };
    });
    const reasons = [...leaving.map(({ why }) => why), ...joining.map((nodeId) => `broker ${nodeId} has caught up`)];
    const damaged = leaving.flatMap(({ nodeId, damaged }) => (damaged ? nodeId : []));
    this.#propose(isr, damaged, reasons.join(", "));
  }

  #propose(isr: pb.InSyncReplica[], damaged: number[], reason: string): void {
    const { leaderEpoch, partitionEpoch } = this.#record;
    const proposal: InSyncProposal = {
      replica: this.#replica,
      leaderEpoch,
      partitionEpoch,
      isr,
      damaged,
      reason,
      open: () => !this.#ended && this.#pending === proposal,
      settle: (refusal) => this.#settle(proposal, refusal),
    };
    this.#pending = proposal;
    this.#span();
    this.#replica.around.logger.info(
      { partition: this.#replica.name, isr: isr.map(({ nodeId }) => nodeId), reason },
      "The in-sync replicas change",
    );
    this.#replica.around.peers.propose(proposal);
  }

  #settle(proposal: InSyncProposal, refusal: ProtocolError | null): void {
    // Committed, or decided against a newer record: that record is on its way, and until it is here the proposal counts. It may have been
    // committed when it was sent before, and the answer lost.
    if (this.#pending !== proposal || refusal === null || newerRecord.has(refusal.error)) return;
    this.#pending = null;
    this.#quietUntilMs = this.#replica.around.clock.monotonicMs() + QUIET_MS;
    this.#span();
  }

  #span(): void {
    const proposed = this.#pending?.isr.map(({ nodeId }) => nodeId) ?? [];
    this.#maximal = [...new Set([...this.#record.isr, ...proposed])];
  }

  #whyLeaving(nodeId: number, nowMs: number): { nodeId: number; damaged: boolean; why: string } | null {
    const { log, highWatermark, around } = this.#replica;
    if (nodeId === around.nodeId) {
      // It resigns, when others can lead.
      if (!log.isDamaged || this.#record.isr.length === 1) return null;
      return { nodeId, damaged: true, why: `the log of broker ${nodeId} is damaged` };
    }
    const remote = this.#remotes.get(nodeId);
    if (remote?.held.damaged === true) return { nodeId, damaged: true, why: `the log of broker ${nodeId} is damaged` };
    const lagMs = remote === undefined ? nowMs - this.#sinceMs : remote.lagMs(nowMs);
    if (remote !== undefined && remote.endOffset < highWatermark)
      return {
        nodeId,
        damaged: true,
        why: `broker ${nodeId} has lost records: its log ends at ${remote.endOffset}, ${highWatermark} was committed`,
      };
    if (lagMs > around.lagMaxMs) return { nodeId, damaged: false, why: `broker ${nodeId} lags by ${(lagMs / 1000).toFixed(1)} s` };
    return null;
  }

  /** P8 */
  #mayJoin(nodeId: number): boolean {
    const remote = this.#remotes.get(nodeId);
    const { clock, lagMaxMs } = this.#replica.around;
    if (remote === undefined || !remote.attached || remote.held.damaged || remote.lagMs(clock.monotonicMs()) > lagMaxMs) return false;
    // Or it would show, should it lead, what has been deleted.
    if (remote.held.startOffset < this.#replica.log.startOffset) return false;
    const needed = Math.max(this.#replica.highWatermark, this.#startOffset);
    return this.#heldBy(remote) >= needed && this.#replica.around.peers.mayJoin(nodeId, remote.brokerEpoch);
  }

  #heldBy(remote: RemoteReplica): number {
    const { endOffset, durableOffset, relaxed } = remote.held;
    return this.#replica.settings.flushPolicy.kind === "commit" || !relaxed ? durableOffset : endOffset;
  }
}
