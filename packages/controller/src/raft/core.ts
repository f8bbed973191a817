import type { Entries } from "./entries.ts";
import type { Outbox } from "./outbox.ts";
import type { Progress } from "./progress.ts";
import type { Limits, Message, NodeId, Restored, Role, Voter } from "./types.ts";

/** Where this voter gets its randomness from: a whole number in [0, bound). */
export interface Randomness {
  below(bound: number): number;
}

export interface RaftOptions {
  readonly self: Voter;
  /** Including `self`. */
  readonly voters: readonly Voter[];
  readonly limits: Limits;
  readonly random: Randomness;
  readonly restored: Restored;
}

/** What only a leader has; made anew for each term it leads. */
export interface Leadership {
  /** The other voters. */
  readonly followers: ReadonlyMap<NodeId, Progress>;
  /** Index of this term's first entry. Nothing counts as committed by this leader before it is. */
  readonly firstIndex: number;
  /** `leading` was told. */
  announced: boolean;
  ticksToHeartbeat: number;
  /** Leadership confirmation rounds begun in this term. */
  round: number;
  /** Reads waiting until a majority answers a round at or after theirs. Rising in `round`. */
  reads: { readonly id: number; readonly round: number; readonly index: number }[];
}

/** The state of one voter. The files beside this one each change their part of it; only a step is visible from outside. */
export interface Core {
  readonly self: Voter;
  /** Sorted by node id. */
  readonly voters: readonly Voter[];
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
}

export function majority(core: Core): number {
  return Math.floor(core.voters.length / 2) + 1;
}

/** Answers at once, unless the term it carries is not on disk yet. */
export function reply(core: Core, to: NodeId, message: Message): void {
  if (core.outbox.votePending) core.outbox.promise(to, message);
  else core.outbox.send(to, message);
}
