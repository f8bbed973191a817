// Runs the simulation of the Raft core for many seeds: npm run test:raft -- --seeds 10000 [--from 1] [--voters 3|5] [--steps 3000]
// With --sabotage NAME a guard of the core (R8, R9, R15, …) is removed, or its caller lies; with --sabotage all each guard in turn, until a rule is seen broken.
import { parseArgs } from "node:util";
import { runSeed, SABOTAGES, type Sabotage, type SeedResult } from "../packages/controller/src/raft/simulation/index.ts";
import { GUARD_NAMES, withoutGuard } from "./raft-guards.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    voters: { type: "string" },
    steps: { type: "string", default: "3000" },
    sabotage: { type: "string" },
  },
});
const from = whole("from", values.from);
const seeds = whole("seeds", values.seeds);
const steps = whole("steps", values.steps);
const size = values.voters === undefined ? null : whole("voters", values.voters);
const started = performance.now();

process.exitCode = values.sabotage === "all" ? await everyGuard() : await run(values.sabotage);

async function run(sabotage: string | undefined): Promise<number> {
  const guard = GUARD_NAMES.find((name) => name === sabotage);
  const simulate = guard === undefined ? runSeed : await withoutGuard(guard);
  const lie = guard === undefined ? callersLie(sabotage) : null;
  const total: Record<string, number> = {};
  let failed = 0;
  let trace = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const result = simulate({ seed, voters: votersOf(seed), steps, sabotage: lie });
    if ("failure" in result) {
      failed++;
      console.error(`${result.failure}\n  replay: ${result.replay}${guard === undefined ? "" : ` --sabotage ${guard}`}`);
      continue;
    }
    for (const [name, count] of Object.entries(result)) if (name !== "trace") total[name] = (total[name] ?? 0) + count;
    trace = Math.imul(trace ^ result.trace, 0x01000193) >>> 0;
  }
  const counts = Object.entries(total).map(([name, count]) => `${count} ${name}`);
  console.log(
    `${seeds} seeds of ${size ?? "3 and 5"} voters in ${elapsed(seeds)}: ${counts.join(", ")}; trace ${trace.toString(16)}; ${failed} failures`,
  );
  return failed === 0 ? 0 : 1;
}

/** Succeeds when every removed guard is missed: some rule is seen broken, or the core's own asserts notice. */
async function everyGuard(): Promise<number> {
  let unnoticed = 0;
  for (const name of GUARD_NAMES) {
    const simulate = await withoutGuard(name);
    const caught = firstBroken(simulate);
    if (caught === null) unnoticed++;
    console.log(
      caught === null ? `${name}: ${seeds} seeds passed without it` : `${name}: missed after ${caught.seeds} seeds. ${caught.failure}`,
    );
  }
  return unnoticed === 0 ? 0 : 1;
}

function firstBroken(simulate: typeof runSeed): { readonly seeds: number; readonly failure: string } | null {
  for (let seed = from; seed < from + seeds; seed++) {
    const result: SeedResult = simulate({ seed, voters: votersOf(seed), steps, sabotage: null });
    if ("failure" in result && / R\d+ /.test(result.failure)) return { seeds: seed - from + 1, failure: result.failure };
  }
  return null;
}

function votersOf(seed: number): number {
  return size ?? (seed % 2 === 0 ? 5 : 3);
}

function elapsed(count: number): string {
  const seconds = (performance.now() - started) / 1000;
  return `${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)} seeds/s)`;
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  console.error(`--${name} ${text}: a whole number from 1 is needed`);
  process.exit(2);
}

function callersLie(text: string | undefined): Sabotage | null {
  const known = SABOTAGES.find((name) => name === text);
  if (text === undefined || known !== undefined) return known ?? null;
  console.error(`--sabotage ${text}: choose one of ${[...GUARD_NAMES, ...SABOTAGES, "all"].join(", ")}`);
  process.exit(2);
}
