import type { TopicPartition } from "../consumer/api.ts";
import type { Feature } from "./shape-api.ts";

export interface CallOptions {
  /** How long the call may take, retries included. 30 000 ms. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface NewTopic {
  readonly name: string;
  /** The cluster's `num.partitions` when absent. */
  readonly partitions?: number;
  /** The cluster's `default.replication.factor` when absent. */
  readonly replicationFactor?: number;
  /** Instead of the two numbers: the node ids that hold partition 0, 1, … */
  readonly assignments?: readonly (readonly number[])[];
  /** Topic settings under Kafka's names, such as `{ "retention.ms": "-1" }`. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface CreatedTopic {
  readonly name: string;
  /** Kafka's base64url form. */
  readonly id: string;
  readonly partitions: number;
  readonly replicationFactor: number;
}

export interface TopicDescription {
  readonly name: string;
  readonly id: string;
  readonly partitions: readonly PartitionDescription[];
}

export interface PartitionDescription {
  readonly partition: number;
  /** Node id; -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  /** On brokers that are fenced or gone. */
  readonly offlineReplicas: readonly number[];
  /** Not in sync, but known to hold every acknowledged record: may lead when nobody in sync can (KIP-966). */
  readonly eligibleReplicas: readonly number[];
  /** A reassignment under way: not complete yet. */
  readonly adding: readonly number[];
  /** Given up once the added ones are in sync. */
  readonly removing: readonly number[];
  /** Replicas that must be in sync for `acks: "all"`. */
  readonly minInSync: number;
}

/** Of a topic, of one node, or of all (`broker: "default"`). */
export type ConfigResource = { readonly topic: string } | { readonly broker: number | "default" };

export interface ConfigEntry {
  readonly name: string;
  /** null: unset, or not shown because it is secret. */
  readonly value: string | null;
  /** `topic`: set on the topic. `static`: from the node's file, environment or flags. */
  readonly source: "topic" | "static" | "default" | "unknown";
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  readonly type: "boolean" | "string" | "int" | "long" | "double" | "list" | "password" | "unknown";
  readonly documentation: string;
  /** Stored and shown, but nothing acts on it. */
  readonly withoutEffect: boolean;
}

export interface DescribedConfigs {
  readonly resource: ConfigResource;
  readonly configs: readonly ConfigEntry[];
}

export interface ConfigChanges {
  readonly resource: ConfigResource;
  /** What to set; null goes back to the default. */
  readonly set?: Readonly<Record<string, string | null>>;
  /** Adds items to a list setting. */
  readonly append?: Readonly<Record<string, string>>;
  /** Takes items out of a list setting. */
  readonly subtract?: Readonly<Record<string, string>>;
}

export interface OffsetQuery extends TopicPartition {
  /** `max`: the record with the highest timestamp; a number: the first record at or after that time (ms). */
  readonly at: "earliest" | "latest" | "max" | number;
}

export interface ListedOffset extends TopicPartition {
  /** -1: there is no such record. */
  readonly offset: number;
  /** Of the record, -1 where the question was not about one. */
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export interface DeleteRecordsBefore extends TopicPartition {
  /** The first offset to keep; `end` deletes all there is. */
  readonly before: number | "end";
}

export interface DeletedRecords extends TopicPartition {
  readonly logStartOffset: number;
}

export interface GroupListing {
  readonly group: string;
  /** How many it has committed offsets for. */
  readonly partitions: number;
  readonly lastCommitMs: number;
}

export interface GroupOffset extends TopicPartition {
  readonly offset: number;
  /** -1 if unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimeMs: number;
}

export interface OffsetToCommit extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

export interface ClusterDescription {
  readonly clusterId: string;
  /** Node id of the leading controller; -1: none. */
  readonly controllerId: number;
  readonly controllerTerm: number;
  readonly nodes: readonly ClusterNode[];
  /** What the cluster may write, and what every node supports. */
  readonly features: readonly Feature[];
  /** Last index of the controller log that the answering broker has applied. */
  readonly metadataIndex: number;
}

export interface ClusterNode {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string;
  readonly broker: boolean;
  readonly voter: boolean;
  readonly fenced: boolean;
  readonly brokerEpoch: number;
  readonly version: string;
  /** Its replicas are being moved away: it gets no new ones. */
  readonly draining: boolean;
  readonly shuttingDown: boolean;
  /** What it has registered, by listener: GRPC for clients, HTTP, NODE. */
  readonly endpoints: readonly { readonly listener: string; readonly host: string; readonly port: number }[];
}

export interface LogDirDescription {
  readonly nodeId: number;
  readonly directory: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly partitions: readonly LogDirPartition[];
}

export interface LogDirPartition {
  /** null: a topic that the cluster no longer knows. */
  readonly topic: string | null;
  readonly topicId: string;
  readonly partition: number;
  readonly sizeBytes: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
  /** Offsets that are damaged and quarantined: [from, until). */
  readonly damaged: readonly { readonly from: number; readonly until: number }[];
}
