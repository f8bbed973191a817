import { SeededRandom } from "@ottla/host";
import type { Fault, FaultKind } from "./faults/fault.ts";
import { drawLoss, type Loss } from "./faults/loss.ts";
import { planFaults } from "./faults/plan.ts";

/** All that a seed decides before a run begins. */
export interface Scenario {
  readonly nodes: number;
  readonly partitions: number;
  readonly programs: number;
  /** Between two bursts of one program. */
  readonly paceMs: number;
  /** When records are synced. */
  readonly flushPolicy: string;
  /** About so often it changes, between `commit` and this one; null: it stays. */
  readonly flushChangesMs: number | null;
  readonly faultsMs: number;
  readonly faults: readonly Fault[];
  /** A node that is lost near the end and stays so: the others must do without it. */
  readonly loss: Loss | null;
}

export interface ScenarioOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly faultsMs?: number;
  readonly only?: readonly FaultKind[];
}

/** As often as each is listed. */
const flushPolicies = ["commit", "commit", "commit", "commit", "commit", "commit", "os", "interval:200"];

/** The standard scenario: three nodes, 60 s of faults. */
export function scenarioOf({ seed, nodes = 3, faultsMs = 60_000, only }: ScenarioOptions): Scenario {
  const random = new SeededRandom(seed).fork();
  const scenario = {
    nodes,
    partitions: 2 + random.below(4),
    programs: 2,
    paceMs: [50, 100, 200, 400][random.below(4)] ?? 100,
    faultsMs,
    faults: planFaults({
      seed: random.below(2 ** 32),
      nodes,
      durationMs: faultsMs - 2_000,
      everyMs: [1_500, 3_000, 6_000][random.below(3)] ?? 3_000,
      ...(only === undefined ? {} : { only }),
    }),
    flushPolicy: flushPolicies[random.below(flushPolicies.length)] ?? "commit",
  };
  return {
    ...scenario,
    loss: nodes < 3 || random.below(3) > 0 ? null : drawLoss(random, nodes, faultsMs),
    flushChangesMs: scenario.flushPolicy === "commit" ? null : ([null, 3_000, 8_000][random.below(3)] ?? null),
  };
}
