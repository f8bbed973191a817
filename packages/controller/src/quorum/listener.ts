import type { Suspension } from "../raft/index.ts";

/** An entry that a majority holds on disk. `data` of length 0 is a leader's first entry of its term: nothing to replay, but its index counts. */
export interface CommittedEntry {
  /** The first entry ever has index 1. */
  readonly index: number;
  readonly term: number;
  /** A view that stays valid and must not be changed. */
  readonly data: Uint8Array;
}

/** What the state machine hears, in order and one call at a time. It may propose from within a call. A throw is fatal. */
export interface QuorumListener {
  /** Each index once and without gaps, from the one after `appliedIndex`. */
  committed(entries: readonly CommittedEntry[]): void;
  /** This voter leads; its first entry of the term, and so everything before it, has been delivered. From here `propose` works. */
  leading(term: number): void;
  /** Follows each `leading`: what was proposed and not delivered may or may not commit. `propose` already throws. */
  lost(term: number): void;
  /** Another leads now, as far as this node hears. */
  follows(leader: number): void;
  /** Leadership was to be handed over, and was not: `propose` works again. */
  resumed(): void;
  /** A voter that this leader led was suspended; or this node was, and is mute now: what follows is a start with an empty directory. */
  suspended(suspension: Suspension): void;
  /** A state of committed entries up to `index` has come from the leader and is verified. What follows is a start from it. */
  snapshot(index: number): void;
}

/** The voters cannot be changed now. */
export class VoterChangeError extends Error {
  override readonly name = "VoterChangeError";

  constructor(why: string) {
    super(`Cannot change the voters of the controllers now: ${why}`);
  }
}

/** Rejection of `propose` and `readIndex` at a voter that does not (or no longer) lead. */
export class NotLeaderError extends Error {
  /** Node id, -1 when unknown. */
  readonly leader: number;

  constructor(action: string, nodeId: number, leader: number) {
    super(
      `Cannot ${action} at controller ${nodeId}: ${leader === -1 ? "no leader is known" : leader === nodeId ? "it is not ready to lead" : `controller ${leader} leads`}`,
    );
    this.name = "NotLeaderError";
    this.leader = leader;
  }
}
