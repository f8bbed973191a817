import type { HeadersInput } from "../topic/headers.ts";

/** What {@link Producer.send} takes. With a plain topic name, keys and values are text or bytes. */
export interface OutgoingRecord<V = string | Uint8Array, K = string | Uint8Array> {
  /** null writes a tombstone: on a compacted topic it deletes the key. */
  readonly value: V | null;
  /** Records of one key go to one partition, in order. */
  readonly key?: K | null;
  readonly headers?: HeadersInput;
  /** Goes to this partition whatever the key. */
  readonly partition?: number;
  /** Milliseconds since the Unix epoch; now by default. */
  readonly timestamp?: number;
}

/** Where a record came to lie. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 with `acks: 0`, or when the broker knows the record as a duplicate too old to name its place. */
  readonly offset: number;
  /** The record's own, or the broker's where the topic stamps append time. */
  readonly timestamp: number;
}

export interface PartitionerInput {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly partitions: number;
}

/** Returns a partition in [0, partitions), or null to leave the choice to the default. */
export type Partitioner = (input: PartitionerInput) => number | null;

export interface SendOptions {
  /** Gives up the wait for room in the buffer. A record already taken in is sent all the same. */
  readonly signal?: AbortSignal;
}

export interface ProducerOptions {
  /** `all` (default): on enough replicas, as durable as the topic's flush policy says. 1: the leader has it. 0: no answer at all. */
  readonly acks?: "all" | 1 | 0;
  /** How long a batch may wait for company. 5 ms; 0 sends what one turn of the event loop has gathered. */
  readonly lingerMs?: number;
  /** A batch is sent at this size at the latest. 256 KiB. */
  readonly batchBytes?: number;
  /** `none` by default. `lz4`, `snappy` and `zstd` may need an optional package; the error names it. */
  readonly compression?: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  /** Records sent and not yet acknowledged; above it `send` waits. 32 MiB. */
  readonly maxBufferedBytes?: number;
  /** From `send` to its outcome, retries included. 120 000 ms. */
  readonly deliveryTimeoutMs?: number;
  /** Each record once and in order, whatever is resent. Default with `acks: "all"`, impossible with others. */
  readonly idempotent?: boolean;
  readonly partitioner?: Partitioner;
}
