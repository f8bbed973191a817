import type { LogPosition } from "../../raft/index.ts";

/** A state that does not change, of committed entries up to `last`. */
export interface SnapshotSource {
  readonly last: LogPosition;
  readonly digest: Uint8Array;
  /** Encoded facts, each after those it refers to. */
  readonly facts: Iterable<Uint8Array>;
}

/** Takes a snapshot that the leader sends, beside the state in use. */
export interface SnapshotSink {
  /** Ends one that was being built. */
  begin(last: LogPosition, digest: Uint8Array): Promise<void>;
  add(facts: readonly Uint8Array[]): Promise<void>;
  /** Resolves once it is durable and verified.
   * @throws Error saying what does not verify */
  finish(): Promise<void>;
}
