// Runs the simulation of the Raft core for many seeds: npx tsx scripts/raft-seeds.ts --seeds 10000 [--from 1] [--voters 3|5] [--steps 3000] [--sabotage NAME]
import { parseArgs } from "node:util";
import { runSeed, SABOTAGES, type Sabotage } from "../packages/controller/src/raft/simulation/index.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    voters: { type: "string" },
    steps: { type: "string", default: "3000" },
    sabotage: { type: "string" },
  },
});

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  console.error(`--${name} ${text}: a whole number from 1 is needed`);
  process.exit(2);
}

function sabotage(text: string | undefined): Sabotage | null {
  const known = SABOTAGES.find((name) => name === text);
  if (text === undefined || known !== undefined) return known ?? null;
  console.error(`--sabotage ${text}: choose one of ${SABOTAGES.join(", ")}`);
  process.exit(2);
}

const from = whole("from", values.from);
const seeds = whole("seeds", values.seeds);
const options = { steps: whole("steps", values.steps), sabotage: sabotage(values.sabotage) };
const size = values.voters === undefined ? null : whole("voters", values.voters);
const total: Record<string, number> = {};
let failed = 0;
const started = performance.now();
for (let seed = from; seed < from + seeds; seed++) {
  const result = runSeed({ seed, voters: size ?? (seed % 2 === 0 ? 5 : 3), ...options });
  if ("failure" in result) {
    failed++;
    console.error(`${result.failure}\n  replay: ${result.replay}`);
    continue;
  }
  for (const [name, count] of Object.entries(result)) if (name !== "trace") total[name] = (total[name] ?? 0) + count;
}
const seconds = (performance.now() - started) / 1000;
const counts = Object.entries(total).map(([name, count]) => `${count} ${name}`);
console.log(
  `${seeds} seeds of ${size ?? "3 and 5"} voters in ${seconds.toFixed(1)} s, ${(seeds / seconds).toFixed(0)} seeds/s: ${counts.join(", ")}; ${failed} failures`,
);
process.exitCode = failed === 0 ? 0 : 1;
