import type { Address, Attributes, Host, Logger, Session } from "@ottla/host";
import type { MetadataVersions } from "@ottla/metadata";
import type { Uuid } from "@ottla/protocol";
import type { LogPosition, Voters } from "../raft/index.ts";
import type { QuorumListener } from "./listener.ts";
import type { SnapshotSink, SnapshotSource } from "./snapshot/types.ts";

/** A controller and where its node door may be found. */
export interface Peer {
  /** {@link UNKNOWN_NODE} for an address of which only is known that controllers answer there. */
  readonly nodeId: number;
  readonly address: Address;
}

export const UNKNOWN_NODE = -1;

/** What the checkpoint says: the log is read from there on. */
export interface RestoredState {
  /** Of the last entry in it, (0, 0) without one. What is committed after it is delivered again. */
  readonly applied: LogPosition;
  /** It came from the leader and may lie beyond the end of the log, which then begins anew after it. */
  readonly installed: boolean;
  /** Those named by the entries up to it, with their addresses; empty when none did. */
  readonly voters: Voters;
}

export interface QuorumOptions {
  readonly host: Host;
  /** Holds `vote` and `raft/`. */
  readonly directory: string;
  readonly nodeId: number;
  readonly directoryId: Uuid;
  /** As configured: who founds the cluster together, this node included; empty for one that joins. */
  readonly listed: readonly Peer[];
  /** Controllers of a cluster to join. */
  readonly bootstrap: readonly Address[];
  /** Where the state says that voters are. */
  addresses(): readonly Peer[];
  /** Of this node's own door. */
  nodeAddress(): Address;
  /** Null as long as this node knows of none. With one it never founds another. */
  clusterId(): string | null;
  /** What this controller reads and writes; told to the others. */
  readonly metadataVersions: MetadataVersions;
  /** What the founding entry holds for those voters. */
  founding(voters: Voters): Uint8Array;
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly restored: RestoredState;
  readonly logger: Logger;
  onFatal(error: Error): void;
  dial(peer: Peer, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  readonly listener: QuorumListener;
  /** The state to send to a node whose entries were trimmed. */
  readonly snapshotSource: () => SnapshotSource;
  /** Where a snapshot from the leader is built. */
  readonly snapshotSink: SnapshotSink;
}

export interface QuorumStatus {
  readonly role: "leader" | "follower" | "candidate";
  readonly term: number;
  /** -1 when unknown. */
  readonly leader: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly commitIndex: number;
  /** Who votes now, sorted by node id; empty before this node has heard of a cluster. */
  readonly voters: Voters;
  /** What keeps a cluster from being founded or joined, a sentence each; empty once this node takes part. */
  readonly waitingFor: readonly string[];
  /** What its settings say otherwise than the cluster that it takes part in, a sentence each. */
  readonly concerns: readonly string[];
}
