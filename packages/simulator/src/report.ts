import type { Fault } from "./faults/fault.ts";
import type { JudgedHistory } from "./judge.ts";
import type { Figure } from "./liveness.ts";
import type { Scenario } from "./scenario.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly faultsMs?: number;
  /** Faults of the plan, by number, that do not happen. */
  readonly without?: ReadonlySet<number>;
  readonly only?: readonly Fault["kind"][];
  readonly keepHistory?: boolean;
  /** Keeps what nodes log and what happens to them, for people. */
  readonly listen?: boolean;
}

export interface SimulationReport {
  readonly seed: number;
  readonly scenario: Scenario;
  /** What went wrong, the first thing first; empty when nothing did. */
  readonly findings: readonly { readonly kind: string; readonly text: string }[];
  readonly hash: string;
  readonly steps: number;
  readonly virtualMs: number;
  readonly acknowledged: number;
  readonly sent: number;
  readonly read: number;
  readonly frames: number;
  /** How soon the cluster went on without a node. */
  readonly figures: readonly Figure[];
  readonly lines: readonly string[];
  /** What programs got as errors, with how often. */
  readonly errors: ReadonlyMap<string, number>;
  /** When it was to be kept and the run came to its end. */
  readonly history: JudgedHistory | null;
}
