import type { Address, Attributes, Host, Logger, Session } from "@ottla/host";
import type { MetadataVersions } from "@ottla/metadata";
import type { NodeConfig, pb, Uuid } from "@ottla/protocol";
import type { Peer } from "./quorum/index.ts";
import type { Suspension } from "./raft/index.ts";
import type { DigestMismatch } from "./state/mismatch.ts";

export interface ReplicaOptions {
  readonly host: Host;
  readonly config: NodeConfig;
  readonly nodeId: number;
  readonly directory: string;
  readonly directoryId: Uuid;
  /** What the data directory says; null as long as it says nothing. */
  readonly clusterId: string | null;
  readonly metadataVersions: MetadataVersions;
  readonly logger: Logger;
  onFatal(error: Error): void;
  nodeAddress(): Address;
  dial(peer: Peer, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  /** A checkpoint that has led to another state than the log says. */
  readonly distrusted: string | null;
}

/** What follows the replicated state. */
export interface ReplicaListener {
  /** Records of an entry, now committed. */
  committed(index: number, term: number, records: readonly pb.MetadataRecord[]): void;
  /** The entries that were committed together are through. */
  caughtUp(): void;
  leading(): void;
  lost(): void;
  /** Another leads. */
  follows(): void;
  /** The state here is not the log's; nothing is replayed any more. */
  mismatch(error: DigestMismatch): void;
  /** This controller holds less than it acknowledged: an old copy of its directory is in its place. It ends, and another starts with an empty one. */
  outdated(suspension: Suspension): void;
  /** A whole state has come from the leader: this replica ends, and another starts from it. */
  snapshot(index: number): void;
}
