import type { MetadataVersions } from "@ottla/metadata";
import type { NodeConfig, pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";

/** What decisions look at besides the state. */
export interface Around {
  readonly config: NodeConfig;
  /** What this node reads and writes. */
  readonly metadataVersions: MetadataVersions;
  /** Brokers that lead only what nobody else can: they follow the cluster too far behind, or their disk is nearly full. */
  readonly lastResort: { has(nodeId: number): boolean };
}

/** Raft as the leader sees it. */
export interface QuorumView {
  readonly nodeId: number;
  readonly term: number;
  readonly commitIndex: number;
  readonly firstIndex: number;
  /** Voters, and learners that follow. */
  members(): pb.QuorumMember[];
  /** What the other controllers support that are connected with this one, by node id. */
  metadataVersions(): ReadonlyMap<number, MetadataVersions>;
  /** @throws ProtocolError that says why they cannot be changed so */
  changedVoters(call: pb.ChangeVotersCall, current: pb.VotersRecord): pb.VotersRecord;
}

/** What a command's decision may look at besides the state. */
export interface Context extends Around {
  readonly draft: Draft;
  /** The node whose session brought the command. */
  readonly nodeId: number;
  readonly quorum: QuorumView;
  readonly voterCount: number;
  /** Whether there is time left to wait for registered brokers that are not live. */
  readonly mayWait: boolean;
  /** Whether the command is so young that voters that run may still register as brokers. */
  readonly mayRegister: boolean;
}

/** The command cannot be decided yet, but perhaps once another broker is live. */
export class TooFewBrokers extends Error {
  override readonly name = "TooFewBrokers";
}
