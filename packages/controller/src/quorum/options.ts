import type { Address, Host, Logger, Session } from "@ottla/host";
import type { Uuid } from "@ottla/protocol";
import type { QuorumListener } from "./listener.ts";

/** A controller and where its node door may be found. */
export interface Peer {
  readonly nodeId: number;
  readonly address: Address;
}

export interface QuorumVoter {
  readonly nodeId: number;
  readonly directoryId: Uuid;
  readonly address: Address;
}

export interface QuorumOptions {
  readonly host: Host;
  /** Holds `vote` and `raft/`. */
  readonly directory: string;
  readonly nodeId: number;
  readonly directoryId: Uuid;
  /** Including this node. */
  readonly voters: readonly QuorumVoter[];
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** From the checkpoint; what is committed after it is delivered again. */
  readonly appliedIndex: number;
  readonly logger: Logger;
  onFatal(error: Error): void;
  /** Opens a session to another voter that sends ottla-node-id and ottla-directory-id of this one. */
  dial(peer: Peer, service: string, signal: AbortSignal): Promise<Session>;
  readonly listener: QuorumListener;
}

export interface QuorumStatus {
  readonly role: "leader" | "follower" | "candidate";
  readonly term: number;
  /** -1 when unknown. */
  readonly leader: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly commitIndex: number;
}
