import type { Address, Attributes, Host, Logger, Metric, Session } from "@ottla/host";
import type { QuorumListener } from "./listener.ts";

export interface QuorumVoter {
  readonly nodeId: number;
  readonly directoryId: string;
  readonly address: Address;
}

export interface QuorumOptions {
  readonly host: Host;
  readonly directory: string;
  readonly nodeId: number;
  readonly directoryId: string;
  readonly voters: readonly QuorumVoter[];
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly appliedIndex: number;
  readonly logger: Logger;
  onFatal(error: Error): void;
  dial(nodeId: number, service: string, signal: AbortSignal): Promise<Session>;
  readonly listener: QuorumListener;
}

export interface QuorumStatus {
  readonly role: "leader" | "follower" | "candidate";
  readonly term: number;
  readonly leader: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly commitIndex: number;
}

export class Quorum {
  static async open(_options: QuorumOptions): Promise<Quorum> {
    throw new Error("written in the next minutes");
  }
  get status(): QuorumStatus {
    throw new Error("written in the next minutes");
  }
  start(): void {}
  propose(_data: Uint8Array): number {
    throw new Error("written in the next minutes");
  }
  async readIndex(_signal: AbortSignal): Promise<number> {
    throw new Error("written in the next minutes");
  }
  async trim(_beforeIndex: number): Promise<void> {}
  accept(_session: Session): Attributes {
    throw new Error("written in the next minutes");
  }
  samples(): Metric[] {
    return [];
  }
  async close(): Promise<void> {}
}
