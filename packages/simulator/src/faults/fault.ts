import type { Clock, Keep, SeededRandom } from "@ottla/host";
import type { Cluster } from "../cluster/cluster.ts";
import type { Operator } from "./operate.ts";

/** Something bad that happens to a cluster, drawn before the run so that it can be left out or tried again by itself. */
export interface Fault {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** Of the node that it is about; the second one where it takes two. */
  readonly node: number;
  readonly other: number;
  /** Draws what else is random about it. */
  readonly seed: number;
}

export interface FaultSurroundings {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly clients: readonly string[];
  readonly operator: Operator;
  /** Nobody else has lost or damaged data that is not replaced yet: this one may lose its own. */
  mayLoseData(nodeId: number): boolean;
}

export type FaultKind = keyof typeof weights;

/** How often each is drawn. */
export const weights = {
  kill: 14,
  "power loss": 8,
  "kill all": 2,
  "power loss of all": 3,
  freeze: 8,
  isolate: 6,
  "cut towards": 4,
  "cut from": 4,
  "cut between": 5,
  flap: 4,
  reset: 8,
  delay: 6,
  "slow disk": 5,
  "full disk": 3,
  "failing disk": 3,
  "flipped bits": 4,
  "emptied disk": 4,
  "clock jump": 4,
  "rolling restart": 3,
  stop: 5,
  "delete records": 4,
  "passing topic": 3,
  "move a partition": 4,
  "change voters": 3,
  "join and drain": 3,
  "stale disk": 3,
};

export const kinds = Object.keys(weights) as FaultKind[];

export const keeps: readonly Keep[] = ["none", "all", "random", "random"];
