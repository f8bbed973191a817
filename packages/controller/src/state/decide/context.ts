import type { NodeConfig } from "@ottla/protocol";
import type { Draft } from "../draft.ts";

/** What a decision may look at besides the state. */
export interface Context {
  readonly draft: Draft;
  readonly config: NodeConfig;
  /** The node whose session brought the command. */
  readonly nodeId: number;
  readonly voterCount: number;
  /** Whether there is time left to wait for brokers that are not there yet. */
  readonly mayWait: boolean;
}

/** The command cannot be decided yet, but perhaps once another broker is live. */
export class TooFewBrokers extends Error {
  override readonly name = "TooFewBrokers";
}
