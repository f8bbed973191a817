import type { runSeed } from "../../packages/controller/src/raft/simulation/index.ts";
import { withoutGuard } from "../../scripts/raft-guards.ts";
import type { SabotageName } from "./sabotages.ts";
import { bundleSimulator } from "./simulator-bundle.ts";
import { Workers } from "./simulator-workers.ts";

/** Real time in which the removal of a guard must be noticed on two cores. */
const LIMIT_MS = 600_000;
/** Of the Raft core: its own simulation runs hundreds of seeds a second, with the same rules checked from outside the core. */
const RAFT_GUARDS = ["R8", "R9", "R15"] as const;
const RAFT_STEPS = 3_000;
const CLUSTER_GUARDS = ["P6", "P7", "P8", "P9", "P13", "S1"] as const satisfies readonly SabotageName[];

export const GUARDS: readonly string[] = [...RAFT_GUARDS, ...CLUSTER_GUARDS];

interface Caught {
  readonly seeds: number;
  readonly seconds: number;
  /** What was noticed, null if nothing was. */
  readonly finding: string | null;
}

export interface GuardOptions {
  readonly first: number;
  readonly workers: number;
  /** Of {@link GUARDS}. */
  readonly names: readonly string[];
}

/** Removes each guard in turn and runs the standard scenario until a checker notices. @returns whether all were noticed */
export async function checkGuards({ first, workers, names }: GuardOptions): Promise<boolean> {
  const chosen = (name: string): boolean => names.includes(name);
  let all = true;
  const row = (guard: string, where: string, { seeds, seconds, finding }: Caught): void => {
    const noticed = finding === null ? "NOT NOTICED" : finding.replaceAll("\n", " ").slice(0, 120);
    all &&= finding !== null;
    console.log(`${guard.padEnd(6)}${where.padEnd(9)}${`${seeds}`.padStart(6)}${seconds.toFixed(1).padStart(9)}  ${noticed}`);
  };
  console.log("guard by        seeds  seconds  noticed as");
  for (const name of RAFT_GUARDS) if (chosen(name)) row(name, "raft", await withoutRaftGuard(name, first));
  for (const name of CLUSTER_GUARDS) if (chosen(name)) row(name, "cluster", await withoutClusterGuard(name, first, workers));
  return all;
}

async function withoutRaftGuard(name: (typeof RAFT_GUARDS)[number], first: number): Promise<Caught> {
  const simulate: typeof runSeed = await withoutGuard(name);
  const startedMs = performance.now();
  const caught = (seeds: number, finding: string | null): Caught => ({ seeds, finding, seconds: (performance.now() - startedMs) / 1000 });
  for (let seed = first; performance.now() - startedMs < LIMIT_MS; seed += 1) {
    const result = simulate({ seed, voters: seed % 2 === 0 ? 5 : 3, steps: RAFT_STEPS, sabotage: null });
    // The asserts of the core are part of it: only rules that are checked from outside count.
    if ("failure" in result && / R\d+ /.test(result.failure)) return caught(seed - first + 1, result.failure);
    if (performance.now() - startedMs >= LIMIT_MS) return caught(seed - first + 1, null);
  }
  return caught(0, null);
}

async function withoutClusterGuard(name: SabotageName, first: number, count: number): Promise<Caught> {
  using workers = new Workers(await bundleSimulator(name));
  const startedMs = performance.now();
  let next = first;
  let finding: string | null = null;
  const work = async (): Promise<void> => {
    while (finding === null && performance.now() - startedMs < LIMIT_MS) {
      const report = await workers.run({ seed: next++, nodes: 3, faultsMs: 60_000, without: [], listen: false });
      finding ??= typeof report === "string" ? null : (report.findings.find(({ kind }) => isOfSafety(kind))?.text ?? null);
    }
  };
  await Promise.all(Array.from({ length: count }, work));
  return { seeds: next - first, finding, seconds: (performance.now() - startedMs) / 1000 };
}

/** A process that breaks shows nothing about what a checker sees, and a target missed nothing about a guard of safety. */
export function isOfSafety(kind: string): boolean {
  return kind !== "hangs" && kind !== "stopped" && kind !== "not repeatable" && !/^L\d/.test(kind);
}
