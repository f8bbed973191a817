import { assert } from "./assert.ts";
import type { Entries } from "./entries.ts";
import type { Outbox } from "./outbox.ts";
import type { Progress } from "./progress.ts";
import type { Limits, Message, NodeId, Restored, Role, Suspension, Voter, Voters } from "./types.ts";
import { includes } from "./voter-sets.ts";

/** Where this voter gets its randomness from: a whole number in [0, bound). */
export interface Randomness {
  below(bound: number): number;
}

export interface RaftOptions {
  readonly self: Voter;
  readonly limits: Limits;
  readonly random: Randomness;
  readonly restored: Restored;
}

/** What only a leader has; made anew for each term it leads. */
export interface Leadership {
  /** The other voters, and the learners. Under a node id stands the directory that was seen last: a learner's, where a voter lost its own. */
  readonly followers: Map<NodeId, Progress>;
  /** Index of this term's first entry. Nothing counts as committed by this leader before it is. */
  readonly firstIndex: number;
  /** `leading` was told. */
  announced: boolean;
  ticksToHeartbeat: number;
  /** Leadership confirmation rounds begun in this term. */
  round: number;
  /** Reads waiting until a majority answers a round at or after theirs. Rising in `round`. */
  reads: { readonly id: number; readonly round: number; readonly index: number }[];
  /** Leadership is being handed over: nothing is appended and no read begins meanwhile. */
  transfer: Transfer | null;
  /** By directory: voters that hold less than they acknowledged. They are not fed, and do not count. */
  readonly suspended: Map<string, Suspension>;
}

export interface Transfer {
  readonly to: NodeId;
  /** Ticks since it began. */
  ticks: number;
  /** The successor was asked to campaign. */
  asked: boolean;
}

/** The state of one voter. The files beside this one each change their part of it; only a step is visible from outside. */
export interface Core {
  readonly self: Voter;
  readonly limits: Limits;
  readonly random: Randomness;
  readonly entries: Entries;
  readonly outbox: Outbox;

  role: Role;
  /** Never falls, and is on disk before any message carries it. */
  term: number;
  /** Of `term`; at most one, and on disk before the vote leaves. */
  votedFor: Voter | null;
  /** Of `term`; null when unknown. */
  leader: NodeId | null;
  /** Entries up to it are on a majority. Never falls. */
  commitIndex: number;
  /** Entries up to it were handed out: committed and durable here. */
  deliveredIndex: number;

  /** Ticks since a leader was heard, a vote was given or a campaign began. */
  elapsedTicks: number;
  /** A campaign begins once `elapsedTicks` reaches it. Irrelevant at a leader. */
  timeoutTicks: number;
  /** Ticks since the leader was last heard, as long as its connection lives; null otherwise. */
  leaderSilentTicks: number | null;
  /** Campaigns since a leader was last known: each doubles the time to the next. */
  attempts: number;
  /** As a candidate: who answered, and what. */
  readonly votes: Map<NodeId, boolean>;
  /** As a leader. */
  leadership: Leadership | null;

  learners: readonly Voter[];
  /** This node holds less than it acknowledged: it says nothing any more. */
  suspended: boolean;
  /** What the first entry ever is to be, while this node campaigns for writing it. */
  founding: { readonly voters: Voters; readonly data: Uint8Array } | null;
}

/** Empty where none were ever heard of. */
export function votersOf(core: Core): Voters {
  return core.entries.voterSets.newest?.voters ?? core.founding?.voters ?? [];
}

/** Their votes and what they hold count; everybody answers. */
export function isVoter(core: Core, who: Voter): boolean {
  return includes(votersOf(core), who);
}

/** A voter, or one that the newest set leaves out while that is not committed: nobody else may hold what is (Raft dissertation §4.2.2). */
export function mayCampaign(core: Core): boolean {
  const { newest } = core.entries.voterSets;
  if (core.suspended) return false;
  if (isVoter(core, core.self)) return true;
  return (
    newest !== null && newest.index > core.commitIndex && includes(core.entries.voterSets.at(newest.index - 1)?.voters ?? [], core.self)
  );
}

export function majority(core: Core): number {
  return Math.floor(votersOf(core).length / 2) + 1;
}

/** Leaves at once, unless the term it carries is not on disk yet: a leader that is the only voter has learners, too. */
export function speak(core: Core, to: Voter, message: Message): void {
  if (core.outbox.votePending) core.outbox.promise(to, message);
  else core.outbox.send(to, message);
}

export function leading(core: Core): Leadership {
  assert(core.leadership !== null, () => `node ${core.self.nodeId} acts as a leader in term ${core.term}, as ${core.role}`);
  return core.leadership;
}
