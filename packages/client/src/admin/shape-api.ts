import type { TopicPartition } from "../consumer/api.ts";
import type { CallOptions } from "./api.ts";
import type { Failure } from "../errors.ts";

export interface Move extends TopicPartition {
  /** Node ids that shall hold the partition, the preferred leader first. */
  readonly replicas: readonly number[];
}

export interface MoveOptions extends CallOptions {
  /** Bytes per second that each leader sends to each replica added; no limit when absent. */
  readonly rate?: number;
}

/** A partition whose replicas are being moved. */
export interface Reassignment extends TopicPartition {
  /** All that hold it at the moment, those to come and those to go included. */
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  /** Not complete yet. */
  readonly adding: readonly number[];
  /** Given up once the added ones are in sync. */
  readonly removing: readonly number[];
  /** Of those being added, the ones whose brokers are not live: until they are, or the move is cancelled, it does not end. */
  readonly waitingFor: readonly number[];
}

export interface ElectedPartition extends TopicPartition {
  /** False: it has the leader asked for already. */
  readonly changed: boolean;
}

export interface DrainProgress {
  /** Still on the broker; 0: it is safe to stop it for good. */
  readonly replicasLeft: number;
  /** Those of them that cannot go on now, and why: no other broker can take them, or the one that is to has died. */
  readonly stuck: readonly Failure[];
}

export interface QuorumMember {
  readonly nodeId: number;
  /** Of its controller directory, in Kafka's base64url form. */
  readonly directoryId: string;
  /** False: a learner, which follows without a vote. */
  readonly voter: boolean;
  readonly host: string;
  readonly port: number;
  /** Last index known to be durable there. */
  readonly matchIndex: number;
  /** Since the leader last heard of it; -1: never. */
  readonly silentMs: number;
}

export interface QuorumDescription {
  /** Node id; -1: none. */
  readonly leaderId: number;
  readonly term: number;
  readonly commitIndex: number;
  /** The oldest index that is kept as a record of its own. */
  readonly firstIndex: number;
  readonly members: readonly QuorumMember[];
}

export interface Feature {
  readonly name: string;
  readonly level: number;
  readonly supportedMin: number;
  readonly supportedMax: number;
}

/** What happened to the cluster and why. */
export interface ClusterEvent {
  /** Rises by one with each event. */
  readonly number: number;
  readonly timeMs: number;
  /** founded, voters, controller, registered, unfenced, fenced, shutdown, removed, draining, elected, isr, unclean, truncated, reassigned, feature. */
  readonly kind: string;
  /** null: about no node in particular. */
  readonly nodeId: number | null;
  /** The name, or the id of a topic that is gone; null: about no topic. */
  readonly topic: string | null;
  readonly partition: number | null;
  readonly text: string;
}
