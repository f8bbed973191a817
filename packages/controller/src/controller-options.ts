import type { Address, Attributes, Host, Logger, Session } from "@ottla/host";
import type { MetadataVersions } from "@ottla/metadata";
import type { NodeConfig, Uuid } from "@ottla/protocol";
import type { Peer, QuorumStatus } from "./quorum/index.ts";
import type { Voters } from "./raft/index.ts";

export interface ControllerOptions {
  readonly host: Host;
  readonly config: NodeConfig;
  readonly nodeId: number;
  /** `<data.dir>/controller`: the Raft log, the vote and the checkpoints. */
  readonly directory: string;
  /** The cluster that the data directory says it belongs to; null or absent at the very first start. */
  readonly clusterId?: string | null;
  /** Of this software, for people. */
  readonly version: string;
  /** Levels of `metadata.version` that this node reads and writes; by default those of this software, which a node that stands for another version names. */
  readonly metadataVersions?: MetadataVersions;
  readonly logger: Logger;
  /** What the process cannot outlive: damage, a failed sync, a broken invariant. */
  onFatal(error: Error): void;
  /** Of this node's own door, as other nodes reach it. */
  nodeAddress(): Address;
  /** @param peer its node id is -1 where only an address is known, of controller.quorum.bootstrap.servers */
  dial(peer: Peer, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
}

export interface ControllerStatus extends QuorumStatus {
  /** Null until the founding of the cluster is committed here. */
  readonly clusterId: string | null;
}

/** What a checker may look at after every step. */
export interface ControllerInspection {
  readonly directoryId: Uuid;
  readonly role: QuorumStatus["role"];
  readonly term: number;
  readonly leader: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** The set that rules, committed or not. */
  readonly voters: Voters;
  /** Of the committed state at `appliedIndex`. */
  readonly digest: Uint8Array;
}
