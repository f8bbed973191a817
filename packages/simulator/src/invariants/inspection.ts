/** What a broker tells of one of its replicas. */
export interface ReplicaInspection {
  /** The topic id in hexadecimal digits, a dash and the partition, as its directory is called. */
  readonly log: string;
  readonly role: "leader" | "follower" | "none";
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly startOffset: number;
  /** As a leader knows it. */
  readonly isr: readonly number[];
  /** With those it has asked to be let in. */
  readonly maximalIsr: readonly number[];
  readonly minInSync: number;
  readonly endOffset: number;
  /** As its epoch cache knows; null when it does not. */
  epochAt(offset: number): number | null;
  epochStart(epoch: number): number | null;
}

/** What a controller tells of its part in the quorum. */
export interface QuorumInspection {
  readonly role: "leader" | "follower" | "candidate";
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Of the state at that index. */
  readonly digest: Uint8Array;
}

/** What the checks need to know of a node, none of it decided by them. */
export interface ObservedNode {
  readonly nodeId: number;
  /** Its process runs. */
  readonly running: boolean;
  /** Whether anything has gone on in it since this was last asked. */
  takeNews(): boolean;
  /** How many lives it has begun. */
  readonly lives: number;
  /** Of its registration, null without. */
  readonly brokerEpoch: number | null;
  /** How far its image of the cluster is. */
  readonly imageIndex: number | null;
  /** Null without a controller, or while it has no state. */
  readonly quorum: QuorumInspection | null;
  readonly replicas: Iterable<ReplicaInspection>;
}
