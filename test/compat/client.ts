import type { Codec, Sent, Stored } from "./record.ts";
import type { FeatureId } from "./features/index.ts";

/** A partition of a topic of the cluster that a session was opened for. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export interface Produce {
  readonly codec?: Codec;
  readonly idempotent?: boolean;
}

export type Position = { readonly offset: number } | { readonly timeMs: number };

export interface TopicShape {
  readonly partitions: readonly { readonly leader: number; readonly replicas: readonly number[]; readonly inSync: readonly number[] }[];
}

/** One foreign client at work, by what it can do. What it cannot is missing here and has a reason in {@link Client.missing}. */
export interface Session extends AsyncDisposable {
  /** Resolves once every record is acknowledged by all in-sync replicas. */
  produce?(to: Place, records: AsyncIterable<Sent> | Iterable<Sent>, how: Produce): Promise<void>;
  /** Reads so many records of a partition, in order. */
  read?(from: Place, at: Position, count: number): Promise<Stored[]>;
  createTopic?(topic: string, partitions: number, configs: Readonly<Record<string, string>>): Promise<void>;
  listTopics?(): Promise<string[]>;
  describeTopic?(topic: string): Promise<TopicShape>;
  deleteTopic?(topic: string): Promise<void>;
  addPartitions?(topic: string, total: number): Promise<void>;
  topicConfigs?(topic: string): Promise<Readonly<Record<string, string>>>;
  brokerConfigs?(nodeId: number): Promise<Readonly<Record<string, string>>>;
  /** Adds to what is set. */
  setTopicConfig?(topic: string, name: string, value: string): Promise<void>;
  /** "max-timestamp": of the record with the greatest timestamp. */
  offsetAt?(of: Place, at: "earliest" | "latest" | "max-timestamp" | { readonly timeMs: number }): Promise<number>;
  /** Resolves with the offset that the partition begins at afterwards. */
  deleteRecords?(of: Place, before: number): Promise<number>;
  /** The ids of the brokers; the controller is one of them. */
  cluster?(): Promise<{ readonly nodeIds: readonly number[]; readonly clusterId: string | null }>;
  /** Bytes of the partition in the log directories of each broker. */
  logDirs?(of: Place): Promise<Readonly<Record<number, number>>>;
  apiVersions?(): Promise<Readonly<Record<string, readonly [min: number, max: number]>>>;
  quorum?(): Promise<{ readonly leaderId: number; readonly voters: readonly number[] }>;
  reassign?(of: Place, replicas: readonly number[]): Promise<void>;
  /** Gives the leadership back to the first replica. */
  electPreferred?(of: Place): Promise<void>;
  /** A tool with a workload of its own. Resolves with the values that it says were acknowledged. */
  verifiableProducer?(to: Place, count: number, perSecond: number, acknowledged: (soFar: number) => void): Promise<string[]>;
  /** The same, with values chosen from `payloads`. Resolves with how many it says it sent. */
  performanceProducer?(to: Place, payloads: readonly string[], count: number, codec: Codec): Promise<number>;
}

export interface Client {
  /** As tests and the table call it. */
  readonly name: string;
  /** Exactly what is used, for the document. */
  readonly version: string;
  /** Why it cannot run on this machine. */
  whyNot(): string | null;
  open(bootstrap: string): Promise<Session>;
  /** What it lacks, and why; every other feature has a test. */
  readonly missing: Partial<Readonly<Record<FeatureId, string>>>;
}
