/** One attempted send, as the process that sent it saw it. Times are of one monotonic clock. */
export interface Send {
  readonly kind: "send";
  readonly producer: string;
  /** Rises by one with each send of a producer. */
  readonly sequence: number;
  readonly partition: number;
  /** Unique over the whole history. */
  readonly value: string;
  readonly invokedMs: number;
  readonly completedMs: number;
  /** `fail`: certainly not in the log. `unknown`: it may appear or not. */
  readonly outcome: "ok" | "fail" | "unknown";
  /** Where the broker said it is, with `ok`. */
  readonly offset: number;
  /** Of the leader that acknowledged it, or a later one: the record itself may have been appended in an earlier epoch. */
  readonly leaderEpoch?: number;
}

/** One record handed to a reader. */
export interface Read {
  readonly kind: "read";
  readonly reader: string;
  /** A reader that seeks or starts again gets another one. */
  readonly assignment: number;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** A commit of a group's offset, and what a fetch of it returned. */
export interface Commit {
  readonly kind: "commit" | "committed";
  readonly group: string;
  readonly partition: number;
  readonly offset: number;
  readonly invokedMs: number;
  readonly completedMs: number;
  readonly outcome: "ok" | "fail" | "unknown";
}

/** A leader's answer to where its partition ends. */
export interface Latest {
  readonly kind: "latest";
  readonly partition: number;
  readonly offset: number;
  /** In which the leader answered. */
  readonly leaderEpoch: number;
  readonly invokedMs: number;
  readonly completedMs: number;
}

/** A change of the cluster's metadata, or a look at it. `index` is that of the controllers' log: of the change, or up to which was seen. */
export interface Metadata {
  readonly kind: "changed" | "looked";
  readonly key: string;
  /** Written or seen; null: absent. */
  readonly value: string | null;
  readonly index: number;
  readonly invokedMs: number;
  readonly completedMs: number;
}

export type Event = Send | Read | Commit | Latest | Metadata;

/** After the faults: every record of every partition from its start to its end. */
export interface Drain {
  readonly partition: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly records: readonly { readonly offset: number; readonly value: string }[];
}

/** What one replica's log holds at the end. */
export interface Dump {
  readonly node: string;
  readonly partition: number;
  readonly highWatermark: number;
  readonly batches: readonly { readonly baseOffset: number; readonly lastOffset: number; readonly hash: string }[];
}

export interface Anomaly {
  readonly kind:
    | "lost"
    | "doubled"
    | "inconsistent"
    | "never sent"
    | "reordered"
    | "gap"
    | "skipped"
    | "end fell"
    | "stale end"
    | "committed offset fell"
    | "metadata"
    | "diverged";
  readonly text: string;
}
