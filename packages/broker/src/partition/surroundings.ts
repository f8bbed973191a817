import type { Clock, Codecs, Disk, Logger } from "@ottla/host";
import type { LogDirectory } from "@ottla/log";
import type { pb, ProtocolError, TopicSettings, Uuid } from "@ottla/protocol";
import type { TopicTraffic } from "../metrics/traffic.ts";
import type { Timeouts } from "../timeouts.ts";
import type { Follower } from "./follower.ts";
import type { InSyncProposal } from "./in-sync.ts";

/** What all partitions of a broker share. */
export interface PartitionSurroundings {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly codecs: Codecs;
  readonly timeouts: Timeouts;
  readonly directory: LogDirectory;
  readonly logger: Logger;
  readonly producerExpirationMs: number;
  /** A follower that has been behind for longer leaves the in-sync set. */
  readonly lagMaxMs: number;
  readonly peers: PartitionPeers;
}

/** The way from a partition to the other brokers and to the controllers. */
export interface PartitionPeers {
  /** The epoch under which a broker is registered, null if it is not. */
  brokerEpoch(nodeId: number): number | null;
  /** P8: registered under this epoch, neither fenced nor about to stop. */
  mayJoin(nodeId: number, brokerEpoch: number): boolean;
  /** Brings the wish of a leader to the controllers and its outcome back. */
  propose(proposal: InSyncProposal): void;
  /** Fed from now on by its leader. */
  follow(follower: Follower): void;
  unfollow(follower: Follower): void;
  /** What the leader may know now: more of the log is written or durable, or it must be asked again where to go on. */
  progressed(follower: Follower): void;
  attachAgain(follower: Follower): void;
  truncated(truncation: pb.Truncation): void;
  /** The image, or who leads here, is not what it was. `brokers` are those that changed. */
  changed(brokers: Iterable<number>): void;
}

/** Told, in the turn in which it happens, what a parked fetch waits for. */
export interface Reader {
  /** So many more bytes lie below the high watermark. */
  committed(bytes: number): void;
  /** Leadership, log or topic are not what they were: look again. */
  changed(): void;
}

export interface Appended {
  readonly baseOffset: number;
  /** -1 unless the topic stamps append time. */
  readonly appendTimeMs: number;
  /** Resolves, never rejects: null once as many replicas hold the batch as `acks` asks, else why its outcome is unknown. */
  readonly acknowledged: Promise<ProtocolError | null>;
}

export interface PartitionId {
  readonly topicId: Uuid;
  readonly index: number;
  readonly topicName: string;
  readonly settings: TopicSettings;
  readonly traffic: TopicTraffic;
  /** The log has latched shut: it wants {@link Partition.reopen} once the disk allows. */
  onFailed(): void;
}

/** Directories bear the id, never the name: a topic that is deleted and made again must not meet its former log. */
export function logName(topicId: Uuid, index: number): string {
  return `${topicId}-${index}`;
}

/** Null for the name of anything else. */
export function parseLogName(name: string): { topicId: Uuid; index: number } | null {
  const match = /^([0-9a-f]{32})-(\d{1,10})$/.exec(name);
  return match ? { topicId: match[1] as Uuid, index: Number(match[2]) } : null;
}
