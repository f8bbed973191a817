import { SeededRandom } from "@ottla/host";
import { type Fault, type FaultKind, kinds, weights } from "./fault.ts";

export interface PlanOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly durationMs: number;
  /** Mean time between two beginnings. */
  readonly everyMs: number;
  /** Only these; all kinds when absent. */
  readonly only?: readonly FaultKind[];
}

/** Draws the faults of a run. */
export function planFaults({ seed, nodes, durationMs, everyMs, only }: PlanOptions): Fault[] {
  const random = new SeededRandom(seed);
  const faults: Fault[] = [];
  const allowed = only ?? kinds;
  for (let atMs = random.below(everyMs); atMs < durationMs; atMs += 1 + random.below(2 * everyMs)) {
    const kind = drawKind(random, allowed);
    const node = 1 + random.below(nodes);
    const other = nodes === 1 ? node : 1 + ((node + random.below(nodes - 1)) % nodes);
    // Most are short, some outlive every timeout.
    const forMs = random.below(4) === 0 ? 3_000 + random.below(9_000) : 50 + random.below(3_000);
    faults.push({ kind, atMs, forMs, node, other, seed: random.below(2 ** 32) });
  }
  return faults;
}

function drawKind(random: SeededRandom, allowed: readonly FaultKind[]): FaultKind {
  const total = allowed.reduce((sum, kind) => sum + weights[kind], 0);
  let at = random.below(total);
  for (const kind of allowed) {
    at -= weights[kind];
    if (at < 0) return kind;
  }
  throw new Error("No kind of fault is allowed");
}
