import { advanceCommit } from "./commit.ts";
import { mayCampaign, type Core, type RaftOptions } from "./core.ts";
import { assert } from "./assert.ts";
import { electionTick, follow, lostPeer, reachedPeer } from "./election.ts";
import { found } from "./founding.ts";
import { appendOwn, hasQuorum, isOut, reviseFollowers } from "./leadership.ts";
import { onRead, settleReads } from "./read-index.ts";
import { receive } from "./receive.ts";
import { brokenConnection, onLoaded, reachedFollower, replicationTick } from "./replication.ts";
import { restore } from "./restore.ts";
import { tellCommit } from "./sending.ts";
import { needsSnapshot, snapshotEnded } from "./snapshot.ts";
import { beginTransfer, nameSuccessor } from "./transfer.ts";
import type { Effects, Entry, FollowerStatus, Input, LogPosition, NodeId, Role, Suspension, Voter, Voters, VoterSet } from "./types.ts";
import { whyNotVoters } from "./voter-change.ts";

/** One voter of Raft with PreVote, CheckQuorum, ReadIndex, leadership transfer, learners and changes of voters (Ongaro's dissertation §3, §4, §6.4, §9.6).
 * Pure: the same inputs give the same effects. The caller carries the effects out and feeds back what came of them. */
export class Raft {
  readonly #core: Core;

  constructor(options: RaftOptions) {
    this.#core = restore(options);
  }

  get role(): Role {
    return this.#core.role;
  }
  get term(): number {
    return this.#core.term;
  }
  get votedFor(): Voter | null {
    return this.#core.votedFor;
  }
  /** Null when unknown. */
  get leader(): NodeId | null {
    return this.#core.leader;
  }
  get commitIndex(): number {
    return this.#core.commitIndex;
  }
  get firstIndex(): number {
    return this.#core.entries.firstIndex;
  }
  get lastIndex(): number {
    return this.#core.entries.lastIndex;
  }
  /** Entries up to it are on this voter's disk. */
  get durableIndex(): number {
    return this.#core.entries.durableIndex;
  }

  /** The newest in the log, committed or not; null when this node has never heard of any. */
  get voters(): VoterSet | null {
    return this.#core.entries.voterSets.newest;
  }
  /** Leadership is being handed over; `propose` may not come. */
  get transferring(): boolean {
    return this.#core.leadership?.transfer != null;
  }

  /** The voters and learners that this leader feeds; empty elsewhere. */
  get followers(): readonly FollowerStatus[] {
    const followers = this.#core.leadership?.followers.values() ?? [];
    return Array.from(followers, ({ peer, matchIndex, silentTicks, state }) => ({
      peer,
      matchIndex,
      silentTicks,
      snapshot: state === "snapshot",
    }));
  }

  /** Voters that hold less than they acknowledged, as this leader found out. */
  get suspended(): readonly Suspension[] {
    return [...(this.#core.leadership?.suspended.values() ?? [])];
  }

  /** A snapshot up to here would bring this node further. */
  needs(last: LogPosition): boolean {
    return needsSnapshot(this.#core, last);
  }

  /** The lowest index that some other voter or learner is known to hold; `lastIndex` when there are none, null when not leading. */
  get heldByAll(): number | null {
    const { leadership, entries } = this.#core;
    if (leadership === null) return null;
    let lowest = entries.lastIndex;
    for (const progress of leadership.followers.values()) lowest = Math.min(lowest, progress.matchIndex);
    return lowest;
  }

  /** Ticks until time alone makes something happen; null when it never will. */
  get quietTicks(): number | null {
    const core = this.#core;
    const { leadership, timeoutTicks, elapsedTicks, leaderSilentTicks, limits } = core;
    if (leadership !== null) return leadership.followers.size === 0 && leadership.suspended.size === 0 ? null : leadership.ticksToHeartbeat;
    if (mayCampaign(core)) return Math.max(0, timeoutTicks - elapsedTicks);
    // Without a vote there is nothing to do but to forget a silent leader, so that others get an answer.
    return leaderSilentTicks === null || leaderSilentTicks >= limits.electionTicks ? null : limits.electionTicks - leaderSilentTicks;
  }

  /** The set of voters that the log names for `index`; null when that is not known any more. */
  votersAt(index: number): VoterSet | null {
    return this.#core.entries.voterSets.at(index);
  }

  /** The term of the entry at `index`; null where the log does not reach. */
  termAt(index: number): number | null {
    return this.#core.entries.termAt(index);
  }

  /** What is against proposing these voters now; null when nothing is. */
  whyNotVoters(voters: Voters): string | null {
    return whyNotVoters(this.#core, voters);
  }

  /** Entries from `from` to `until` (excluded) as far as they fit, at least one; null when they are no longer in memory. */
  entries(from: number, until: number, maxBytes: number): readonly Entry[] | null {
    return this.#core.entries.slice(from, until, maxBytes);
  }

  /** The caller removes what lies before `index` from its log; at least the last committed entry stays. */
  trimmed(index: number): void {
    assert(index <= this.#core.deliveredIndex, () => `trimmed before ${index}, delivered to ${this.#core.deliveredIndex}`);
    this.#core.entries.trimmed(index);
  }

  step(input: Input): Effects {
    this.#take(input);
    return this.#finish();
  }

  #take(input: Input): void {
    const core = this.#core;
    switch (input.kind) {
      case "tick":
        return this.#tick();
      case "message":
        return receive(core, input.from, input.message);
      case "propose":
        return appendOwn(core, input.proposals);
      case "persisted":
        return this.#persisted(input.id);
      case "broken":
        return brokenConnection(core, input.peer);
      case "lost":
        return lostPeer(core, input.peer);
      case "reached":
        return core.role === "leader" ? reachedFollower(core, input.peer) : reachedPeer(core, input.peer);
      case "loaded":
        return onLoaded(core, input.peer, input.entries);
      case "read":
        return onRead(core, input.id);
      case "found":
        return found(core, input.voters, input.data, input.term);
      case "learners":
        core.learners = input.learners;
        return core.leadership === null ? undefined : reviseFollowers(core, core.limits.electionTicks);
      case "transfer":
        return beginTransfer(core, input.to);
      case "snapshotEnded":
        return snapshotEnded(core, input.peer);
    }
  }

  #tick(): void {
    const core = this.#core;
    if (core.role !== "leader") return electionTick(core);
    replicationTick(core);
    if (!hasQuorum(core)) follow(core, core.term, null);
  }

  #persisted(id: number): void {
    const core = this.#core;
    core.entries.persisted(core.outbox.persisted(id));
    if (!advanceCommit(core)) return;
    for (const progress of core.leadership?.followers.values() ?? []) tellCommit(core, progress);
    settleReads(core);
  }

  #finish(): Effects {
    const core = this.#core;
    if (core.leadership !== null && isOut(core)) {
      nameSuccessor(core);
      follow(core, core.term, null);
    }
    const { leadership } = core;
    // A committed entry that is not on this disk yet may not be applied: the checkpoint would be ahead of the log after a crash.
    const to = Math.min(core.commitIndex, core.entries.durableIndex);
    const committed = to > core.deliveredIndex ? { from: core.deliveredIndex + 1, to } : null;
    core.deliveredIndex = Math.max(core.deliveredIndex, to);
    const leads = leadership !== null && !leadership.announced && core.deliveredIndex >= leadership.firstIndex;
    if (leads) leadership.announced = true;
    return core.outbox.take(committed, leads ? core.term : null);
  }
}
