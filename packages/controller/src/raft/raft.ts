import { assert } from "./assert.ts";
import { advanceCommit } from "./commit.ts";
import { reply, type Core, type RaftOptions } from "./core.ts";
import { electionTick, electionTimeout, follow, lostPeer, onVoteReply, onVoteRequest } from "./election.ts";
import { Entries } from "./entries.ts";
import { onAppendRequest } from "./follower.ts";
import { appendOwn, hasQuorum } from "./leadership.ts";
import { Outbox } from "./outbox.ts";
import { onRead, settleReads } from "./read-index.ts";
import { brokenConnection, onAppendReply, onLoaded, replicationTick } from "./replication.ts";
import { tellCommit } from "./sending.ts";
import type { Effects, Entry, Input, Message, NodeId, Role, Voter } from "./types.ts";

/** One voter of Raft with PreVote, CheckQuorum and ReadIndex (Ongaro's dissertation §3, §6.4, §9.6). Pure: the same inputs give the same effects.
 * The caller carries the effects out and feeds back what came of them. */
export class Raft {
  readonly #core: Core;

  constructor(options: RaftOptions) {
    const { self, limits, random, restored } = options;
    const voters = options.voters.toSorted((a, b) => a.nodeId - b.nodeId);
    assert(
      voters.some((voter) => isSame(voter, self)),
      () => `node ${self.nodeId} (${self.directoryId}) is not among the voters`,
    );
    const entries = new Entries(restored, limits.tailBytes);
    const { commitIndex } = restored;
    assert(commitIndex <= entries.lastIndex, () => `the log ends at ${entries.lastIndex}, before ${commitIndex}, which was committed`);
    assert(
      commitIndex >= entries.firstIndex - 1,
      () => `the log begins at ${entries.firstIndex}, after ${commitIndex}, up to which it was applied`,
    );
    const logTerm = entries.last.term;
    this.#core = {
      self,
      voters,
      limits,
      random,
      entries,
      outbox: new Outbox(),
      role: "follower",
      term: restored.term,
      votedFor: restored.votedFor,
      leader: null,
      commitIndex,
      deliveredIndex: commitIndex,
      elapsedTicks: 0,
      timeoutTicks: 0,
      leaderSilentTicks: null,
      attempts: 0,
      votes: new Map(),
      leadership: null,
    };
    this.#core.timeoutTicks = electionTimeout(this.#core);
    if (logTerm > restored.term) this.#loseVote(logTerm);
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

  /** The lowest index that some other voter is known to hold; `lastIndex` when there are none, null when not leading. */
  get heldByAll(): number | null {
    const { leadership, entries } = this.#core;
    if (leadership === null) return null;
    let lowest = entries.lastIndex;
    for (const progress of leadership.followers.values()) lowest = Math.min(lowest, progress.matchIndex);
    return lowest;
  }

  /** Ticks until time alone makes something happen; null when it never will. */
  get quietTicks(): number | null {
    const { leadership, timeoutTicks, elapsedTicks } = this.#core;
    if (leadership === null) return Math.max(0, timeoutTicks - elapsedTicks);
    return leadership.followers.size === 0 ? null : leadership.ticksToHeartbeat;
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
    const core = this.#core;
    switch (input.kind) {
      case "tick":
        this.#tick();
        break;
      case "message":
        this.#receive(input.from, input.message);
        break;
      case "propose":
        appendOwn(core, input.data);
        break;
      case "persisted":
        this.#persisted(input.id);
        break;
      case "broken":
        brokenConnection(core, input.peer);
        break;
      case "lost":
        lostPeer(core, input.peer);
        break;
      case "loaded":
        onLoaded(core, input.peer, input.entries);
        break;
      case "read":
        onRead(core, input.id);
        break;
    }
    return this.#finish();
  }

  /** Entries of a term came to the disk before the term itself did. Whom this voter voted for is not known; that nobody was told is: promises wait for both.
   * A vote for itself keeps it from giving another one in that term. */
  #loseVote(term: number): void {
    const core = this.#core;
    core.term = term;
    core.votedFor = core.self;
    core.outbox.vote(term, core.self);
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

  #receive(from: Voter, message: Message): void {
    const core = this.#core;
    if (!core.voters.some((voter) => isSame(voter, from)) || from.nodeId === core.self.nodeId) return;
    if (message.term > core.term && speaksForItsTerm(message)) follow(core, message.term, null);
    if (message.term < core.term) return this.#refuse(from, message);
    switch (message.kind) {
      case "vote-request":
        return onVoteRequest(core, from, message);
      case "vote-reply":
        return onVoteReply(core, from, message);
      case "append-request":
        return onAppendRequest(core, from, message);
      case "append-reply":
        return core.role === "leader" ? onAppendReply(core, from, message) : undefined;
    }
  }

  /** Tells a sender of an older term that time went on; its replies have lost their meaning. */
  #refuse(from: Voter, message: Message): void {
    const { term } = this.#core;
    if (message.kind === "append-request") {
      reply(this.#core, from.nodeId, { kind: "append-reply", term, success: false, matchIndex: 0, round: message.round });
    } else if (message.kind === "vote-request") {
      reply(this.#core, from.nodeId, { kind: "vote-reply", term, preVote: message.preVote, granted: false });
    }
  }

  #finish(): Effects {
    const core = this.#core;
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

/** A pre-vote talks about a term that nobody has begun. */
function speaksForItsTerm(message: Message): boolean {
  if (message.kind === "vote-request") return !message.preVote;
  if (message.kind === "vote-reply") return !(message.preVote && message.granted);
  return true;
}

function isSame(a: Voter, b: Voter): boolean {
  return a.nodeId === b.nodeId && a.directoryId === b.directoryId;
}
