import type { Topic } from "../topic/topic.ts";

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface ConsumerRecord<V = Uint8Array, K = Uint8Array> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
  readonly key: K | null;
  /** null: a tombstone. */
  readonly value: V | null;
  /** In the order written; keys may repeat. */
  readonly headers: readonly RecordHeader[];
  /** Of the leader that appended it. */
  readonly leaderEpoch: number;
}

/** Records of one partition, in order. */
export interface ConsumerBatch<R> {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly R[];
  /** The end of the partition as the broker saw it when it answered: `highWatermark - 1 - last offset` is the lag. */
  readonly highWatermark: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** `timestamp` (ms): the first record at or after it, the end if there is none. */
export type SeekTarget = number | "beginning" | "end" | { readonly offset: number } | { readonly timestamp: number };

/** A topic (all its partitions, also those added later), or some of it. */
export type Assignable =
  | string
  | Topic<unknown, unknown>
  | {
      readonly topic: string | Topic<unknown, unknown>;
      /** All of them when absent. */
      readonly partition?: number;
      /** Where to begin; takes precedence over what the group has committed. */
      readonly offset?: SeekTarget;
    };

/** The record type that an assignment yields. */
export type RecordOf<A> = A extends string
  ? ConsumerRecord
  : A extends Topic<infer V, infer K>
    ? ConsumerRecord<V, K>
    : A extends { readonly topic: infer T }
      ? RecordOf<T>
      : never;

export interface ConsumerOptions<A extends Assignable = Assignable> {
  readonly assign: readonly A[];
  /** Resume at and commit to the offsets of this group. */
  readonly group?: string;
  /** Where to begin without a committed offset, and when the offset is no longer there. `latest`; `none` makes it an error. */
  readonly offsetReset?: "earliest" | "latest" | "none";
  /** With a group: true by default. Covers records whose processing has finished: the next one was asked for, or the callback has resolved. */
  readonly autoCommit?: boolean;
  /** 5 000 ms. */
  readonly autoCommitIntervalMs?: number;
  /** `read_uncommitted` by default. */
  readonly isolation?: "read_uncommitted" | "read_committed";
  /** How long a broker may hold an answer for want of `minBytes`. 500 ms. */
  readonly maxWaitMs?: number;
  /** 1. */
  readonly minBytes?: number;
  /** Of one answer. 4 MiB; a larger batch still comes whole. */
  readonly maxBytes?: number;
  /** Of one partition in one answer. 1 MiB. */
  readonly maxPartitionBytes?: number;
  /** Fetched ahead and not yet handed out, over all partitions. 16 MiB. */
  readonly prefetchBytes?: number;
  /** `end`: finish at the offsets that were the latest at the start. */
  readonly until?: "end";
  /** Finish after so many records. */
  readonly count?: number;
  /** Ends iteration and `run` in order, like `close`. */
  readonly signal?: AbortSignal;
}

/** Callbacks of {@link Consumer.run}; the next call comes after the promise has resolved. */
export type RunOptions<R> = { readonly signal?: AbortSignal } & (
  | { readonly eachRecord: (record: R) => void | Promise<void> }
  | { readonly eachBatch: (batch: ConsumerBatch<R>) => void | Promise<void> }
);
