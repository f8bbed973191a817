export type NodeId = number;

/** Who may vote. A node that comes back with another directory is somebody else: it has forgotten its votes. */
export interface Voter {
  readonly nodeId: NodeId;
  readonly directoryId: string;
}

/** Sorted by node id. One node id stands in it once. */
export type Voters = readonly Voter[];

/** What a caller may append at a leader. */
export interface Proposal {
  readonly data: Uint8Array;
  /** Not null: from this entry on these are the voters. */
  readonly voters: Voters | null;
}

export interface Entry extends Proposal {
  /** The first entry ever has index 1; 0 means "before the first". */
  readonly index: number;
  readonly term: number;
  /** Length 0 and no voters: a leader's first entry of its term. */
  readonly data: Uint8Array;
}

/** The voters from the entry at `index` on, that entry included. */
export interface VoterSet {
  readonly index: number;
  readonly voters: Voters;
}

/** Where a log ends. Ordered by term, then by index. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** Every message carries its sender's term, except that a pre-vote request carries the term its sender would campaign in, and a granted
 * pre-vote reply gives it back. */
export type Message =
  | { readonly kind: "vote-request"; readonly term: number; readonly preVote: boolean; readonly last: LogPosition }
  | { readonly kind: "vote-reply"; readonly term: number; readonly preVote: boolean; readonly granted: boolean }
  | {
      readonly kind: "append-request";
      readonly term: number;
      /** The entry before `entries`, which the receiver must hold to take them. */
      readonly previous: LogPosition;
      readonly commitIndex: number;
      /** Of leadership confirmation; the reply gives it back. */
      readonly round: number;
      readonly entries: readonly Entry[];
    }
  | {
      readonly kind: "append-reply";
      readonly term: number;
      readonly success: boolean;
      /** With success: entries up to it are durable and the leader's. Without: the highest index that may match. */
      readonly matchIndex: number;
      readonly round: number;
    }
  /** From a leader that goes: whoever gets it campaigns at once, if its log ends at `last`. */
  | { readonly kind: "timeout-now"; readonly term: number; readonly last: LogPosition }
  /** From a leader to a voter that had acknowledged entries up to `matchIndex` and does not hold them any more: it votes and acknowledges no further. */
  | { readonly kind: "suspended"; readonly term: number; readonly matchIndex: number };

export type AppendRequest = Extract<Message, { kind: "append-request" }>;
export type AppendReply = Extract<Message, { kind: "append-reply" }>;
export type TimeoutNow = Extract<Message, { kind: "timeout-now" }>;
export type Suspended = Extract<Message, { kind: "suspended" }>;
export type VoteRequest = Extract<Message, { kind: "vote-request" }>;
export type VoteReply = Extract<Message, { kind: "vote-reply" }>;

export interface Envelope {
  /** With this directory: another one is somebody else. */
  readonly to: Voter;
  readonly message: Message;
}

export type Input =
  /** 10 ms have passed. */
  | { readonly kind: "tick" }
  | { readonly kind: "message"; readonly from: Voter; readonly message: Message }
  /** Only at a leader that is not handing over. The first gets the index after `lastIndex`. At most one changes the voters, and only if
   * `whyNotVoters` has nothing against it. */
  | { readonly kind: "propose"; readonly proposals: readonly Proposal[] }
  /** Everything of the persist with this id and of all before it is on disk. */
  | { readonly kind: "persisted"; readonly id: number }
  /** The connection to the peer broke: what was sent last may be lost. */
  | { readonly kind: "broken"; readonly peer: NodeId }
  /** It broke and could not be made again at once. */
  | { readonly kind: "lost"; readonly peer: NodeId }
  /** Messages pass to the peer and back, for the first time or again. */
  | { readonly kind: "reached"; readonly peer: NodeId }
  /** Answers a {@link Load}. Empty when they are no longer there. */
  | { readonly kind: "loaded"; readonly peer: NodeId; readonly entries: readonly Entry[] }
  /** Asks for an index to read at; the id comes back in a {@link ReadAnswer}. */
  | { readonly kind: "read"; readonly id: number }
  /** Only with an empty log and no voters: campaigns for the founding entry, which this node appends if it wins. `term` is the highest that any of the
   * voters has told, so that no two foundings share one. */
  | { readonly kind: "found"; readonly voters: Voters; readonly data: Uint8Array; readonly term: number }
  /** Who is to be fed without being a voter; replaces the list before. Voters in it count as voters. */
  | { readonly kind: "learners"; readonly learners: readonly Voter[] }
  /** Hands leadership over, to the most advanced voter when `to` is null. Ends within an election timeout, with `lost` or with `transferUndone`;
   * nothing happens at a node that does not lead. */
  | { readonly kind: "transfer"; readonly to: NodeId | null }
  /** The transfer of a snapshot that `snapshots` asked for is over, well or not: the core finds out what the peer needs now. */
  | { readonly kind: "snapshotEnded"; readonly peer: NodeId };

/** What must reach the disk. Applied in order of id; vote and entries of one or of several may be written side by side. */
export interface Persist {
  /** Rises by one. */
  readonly id: number;
  readonly vote: { readonly term: number; readonly votedFor: Voter | null } | null;
  /** Entries from this index on are removed before `entries` are appended. */
  readonly truncateFrom: number | null;
  readonly entries: readonly Entry[];
}

/** Entries that left memory and a slow follower needs: the caller reads them and answers `loaded`. */
export interface Load {
  readonly peer: NodeId;
  readonly from: number;
  readonly until: number;
  readonly maxBytes: number;
}

/** The peer lacks entries that were trimmed: the caller sends it a snapshot and answers `snapshotEnded`. A later one for the same peer replaces it.
 * Whoever receives one that it `needs` ends its core, and begins another from it. */
export type SnapshotRequest = Voter;

/** A voter holds less than it acknowledged under this directory: an old copy of its disk was put into its place. */
export interface Suspension {
  readonly voter: Voter;
  /** It had acknowledged entries up to here. */
  readonly acknowledged: number;
  /** It holds the leader's log up to here at most. */
  readonly holds: number;
}

/** `index` null: leadership went before it could be confirmed. */
export interface ReadAnswer {
  readonly id: number;
  readonly index: number | null;
}

/** What the caller owes, in this order. */
export interface Effects {
  readonly persist: Persist | null;
  /** May leave now. */
  readonly messages: readonly Envelope[];
  /** May leave once every persist handed out so far, this step's included, is on disk. */
  readonly promises: readonly Envelope[];
  readonly loads: readonly Load[];
  readonly snapshots: readonly SnapshotRequest[];
  /** The term of a leadership that had been announced as `leading` and is gone. */
  readonly lost: number | null;
  /** Newly committed, both ends included. */
  readonly committed: { readonly from: number; readonly to: number } | null;
  /** This term's first entry is committed: the leader may take proposals. */
  readonly leading: number | null;
  readonly reads: readonly ReadAnswer[];
  /** The transfer failed and this node goes on leading: it takes proposals again. */
  readonly transferUndone: boolean;
  /** At a leader: the voter does not count any more, for as long as this leader leads. At the voter itself: it is mute from now on, and returns as a
   * new voter, with an empty directory of another id. */
  readonly suspended: Suspension | null;
}

/** What a leader knows of another voter or of a learner. */
export interface FollowerStatus {
  readonly peer: Voter;
  /** It holds the leader's log up to here on its disk. */
  readonly matchIndex: number;
  /** Ticks since it was heard. */
  readonly silentTicks: number;
  /** It is waiting for a snapshot. */
  readonly snapshot: boolean;
}

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/** How long things take, in ticks of 10 ms, and how much may be under way. */
export interface Limits {
  readonly heartbeatTicks: number;
  /** An election timeout lasts from this to twice this. */
  readonly electionTicks: number;
  /** Of one append, unless a single entry is larger. */
  readonly maxMessageBytes: number;
  /** Sent to one follower and not acknowledged. */
  readonly maxInFlightBytes: number;
  /** Durable entries kept in memory for followers. */
  readonly tailBytes: number;
}

/** What the disk held when the process started. */
export interface Restored {
  readonly term: number;
  readonly votedFor: Voter | null;
  /** The first entry still in the log; one after `lastIndex` when it is empty. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** The entry before `firstIndex`; null when its term is unknown, which it may not be with an empty log. */
  readonly base: LogPosition | null;
  /** The newest set of the checkpoint, then those of the entries after it, rising in index. Empty: this node has never heard of
   * any voters. */
  readonly voterSets: readonly VoterSet[];
  /** Where each term begins in the log, rising in both; empty with the log. */
  readonly terms: readonly LogPosition[];
  /** Known to be committed, because it was applied. */
  readonly commitIndex: number;
}
