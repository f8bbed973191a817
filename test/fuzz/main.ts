// npm run test:fuzz -- [--cases N] [--seed N] [--target NAME] [--case N]: feeds damaged bytes to everything that reads from a socket or a disk.
import { parseArgs } from "node:util";
import { fuzz, FuzzFailure } from "./fuzz.ts";
import { targets } from "./targets/index.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    target: { type: "string" },
    case: { type: "string" },
  },
});
const seed = Number(values.seed);
const all = await targets();
const chosen = all.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) {
  console.error(`There is no target ${values.target}; there are ${all.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
/** Shares, so that a target whose cases cost ten times as much gets a tenth of them. */
const shares = chosen.reduce((sum, { cost }) => sum + 1 / cost, 0);
console.log(`seed ${seed}, ${values.case === undefined ? `${values.cases} cases` : `case ${values.case}`}, ${chosen.length} targets`);
const startedMs = performance.now();
let done = 0;
for (const target of chosen) {
  const count = Math.max(1, Math.round(Number(values.cases) / shares / target.cost));
  const [from, until] = values.case === undefined ? [0, count] : [Number(values.case), Number(values.case) + 1];
  const before = performance.now();
  try {
    await fuzz(target, seed, from, until);
  } catch (error) {
    console.error(error instanceof FuzzFailure ? error.message : error);
    process.exit(1);
  }
  done += until - from;
  console.log(
    `${target.name.padEnd(40)} ${String(until - from).padStart(8)} cases ${String(Math.round(performance.now() - before)).padStart(7)} ms`,
  );
}
const { maxRSS } = process.resourceUsage();
console.log(
  `${done} cases in ${((performance.now() - startedMs) / 1000).toFixed(1)} s, at most ${Math.round(maxRSS / 1024)} MiB of memory: every one refused as documented or read right`,
);
