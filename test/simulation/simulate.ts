import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { SimulationReport } from "@ottla/simulator";
import { checkGuards, GUARDS, isOfSafety } from "./guards.ts";
import { SABOTAGE_NAMES, sabotageFaults, type SabotageName } from "./sabotages.ts";
import { bundleSimulator } from "./simulator-bundle.ts";
import type { Job } from "./simulator-worker.ts";
import { Workers } from "./simulator-workers.ts";

const usage = `npm run simulate -- [options]
  --seeds N         so many seeds (20)
  --seed S          the first one (drawn anew each time)
  --nodes N         machines of the cluster (3)
  --seconds N       virtual time with faults (60)
  --workers N       processes (2)
  --only KIND,…     these kinds of faults alone
  --without N,…     the faults of these numbers do not happen
  --trace FILE      writes what happened, for people
  --minimise        leaves out faults of a failing seed while it still fails
  --twice           runs each seed in a new process too; what happens must be the same
  --regressions     the seeds that once failed
  --sabotage NAME   ${SABOTAGE_NAMES.join(", ")}: a build without that guard, which must be found out
  --guards all|NAME,…  each guard removed in turn: the seeds it takes until a checker notices (those of Raft in its own simulation)`;

const SHOWN = 10;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    seed: { type: "string" },
    nodes: { type: "string", default: "3" },
    seconds: { type: "string", default: "60" },
    workers: { type: "string", default: "2" },
    only: { type: "string" },
    without: { type: "string" },
    trace: { type: "string" },
    minimise: { type: "boolean", default: false },
    twice: { type: "boolean", default: false },
    regressions: { type: "boolean", default: false },
    sabotage: { type: "string" },
    guards: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  console.error(`--${name} ${text}: a whole number from 1 is needed\n${usage}`);
  process.exit(2);
}

function chosenSabotage(text: string | undefined): SabotageName | null {
  const known = SABOTAGE_NAMES.find((name) => name === text);
  if (text === undefined || known !== undefined) return known ?? null;
  console.error(`--sabotage ${text}: choose one of ${SABOTAGE_NAMES.join(", ")}`);
  process.exit(2);
}

function chosenGuards(text: string): readonly string[] {
  const names = text === "all" ? GUARDS : text.split(",");
  const strange = names.find((name) => !GUARDS.includes(name));
  if (strange === undefined) return names;
  console.error(`--guards ${strange}: choose all or some of ${GUARDS.join(",")}`);
  process.exit(2);
}

/** One a line: the seed, then what it once found. */
function regressionSeeds(): number[] {
  const text = readFileSync(new URL("regression-seeds.txt", import.meta.url), "utf8");
  return text
    .split("\n")
    .filter((line) => /^\d/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

const sabotage = chosenSabotage(values.sabotage);
const first = values.seed === undefined ? 1 + Math.floor(Math.random() * 1e9) : whole("seed", values.seed);
const seeds = values.regressions ? regressionSeeds() : Array.from({ length: whole("seeds", values.seeds) }, (_, at) => first + at);
const without = (values.without ?? "").split(",").filter(Boolean).map(Number);
const only = values.only?.split(",") ?? (sabotage === null ? undefined : sabotageFaults[sabotage]);

function jobOf(seed: number, leftOut: readonly number[] = without): Job {
  return {
    seed,
    nodes: whole("nodes", values.nodes),
    faultsMs: 1000 * whole("seconds", values.seconds),
    without: leftOut,
    listen: values.trace !== undefined,
    ...(only === undefined ? {} : { only: only as NonNullable<Job["only"]> }),
  };
}

function replay(seed: number, leftOut: readonly number[] = without): string {
  const options = [
    `--seed ${seed} --seeds 1`,
    values.nodes === "3" ? "" : `--nodes ${values.nodes}`,
    values.seconds === "60" ? "" : `--seconds ${values.seconds}`,
    only === undefined ? "" : `--only "${only.join(",")}"`,
    leftOut.length === 0 ? "" : `--without ${leftOut.join(",")}`,
    sabotage === null ? "" : `--sabotage ${sabotage}`,
  ];
  return `npm run simulate -- ${options.filter(Boolean).join(" ")} --trace trace.txt`;
}

const findingsOf = (report: SimulationReport | string): SimulationReport["findings"] =>
  typeof report === "string" ? [{ kind: "hangs", text: report }] : report.findings;

/** Leaves out one fault after the other, the last first, as long as the same goes wrong. */
async function minimise(workers: Workers, report: SimulationReport): Promise<readonly number[]> {
  const kind = report.findings[0]?.kind;
  let leftOut: readonly number[] = without;
  for (let number = report.scenario.faults.length - 1; number >= 0; number -= 1) {
    if (leftOut.includes(number)) continue;
    const tried = [...leftOut, number].sort((a, b) => a - b);
    if (findingsOf(await workers.run(jobOf(report.seed, tried)))[0]?.kind === kind) leftOut = tried;
  }
  return leftOut;
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const count = whole("workers", values.workers);
  if (values.guards !== undefined) return (await checkGuards({ first, workers: count, names: chosenGuards(values.guards) })) ? 0 : 1;
  using workers = new Workers(await bundleSimulator(sabotage));
  const startedMs = performance.now();
  const total = { seeds: 0, failed: 0, acknowledged: 0, read: 0, steps: 0, virtualMs: 0 };
  const kinds = new Map<string, number>();
  const figures = new Map<string, { limitMs: number; times: number[] }>();
  const queue = [...seeds];

  const work = async (): Promise<void> => {
    for (let seed = queue.shift(); seed !== undefined; seed = queue.shift()) {
      // Both at once: one in a process that may have run other seeds, one in a new process.
      const repeated = values.twice ? workers.run(jobOf(seed), true) : null;
      const report = await workers.run(jobOf(seed));
      const findings = [...findingsOf(report)];
      const again = await repeated;
      if (again !== null && typeof report !== "string") {
        if (typeof again === "string" || again.hash !== report.hash)
          findings.push({ kind: "not repeatable", text: `${report.hash}, then ${typeof again === "string" ? again : again.hash}` });
      }
      total.seeds += 1;
      if (typeof report !== "string") {
        total.acknowledged += report.acknowledged;
        total.read += report.read;
        total.steps += report.steps;
        total.virtualMs += report.virtualMs;
        for (const { target, limitMs, ms } of report.figures) {
          const figure = figures.get(target) ?? { limitMs, times: [] };
          figure.times.push(ms);
          figures.set(target, figure);
        }
        if (values.trace !== undefined) writeFileSync(values.trace, `${report.lines.join("\n")}\n`);
        if (seeds.length === 1)
          console.log(
            `seed ${seed}: ${report.acknowledged} of ${report.sent} acknowledged, ${report.read} read, ${report.steps} steps, hash ${report.hash}`,
          );
      }
      if (findings.length === 0) continue;
      total.failed += 1;
      for (const { kind } of findings.slice(0, 1)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      if (total.failed > SHOWN) continue;
      const leftOut = values.minimise && typeof report !== "string" ? await minimise(workers, report) : without;
      console.log(`FAILED seed ${seed}`);
      for (const { text } of findings.slice(0, 5)) console.log(`  ${text}`);
      console.log(`  again: ${replay(seed, leftOut)}`);
    }
  };
  await Promise.all(Array.from({ length: count }, work));
  const seconds = (performance.now() - startedMs) / 1000;
  const wrong = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ");
  console.log(
    `${total.seeds} seeds in ${seconds.toFixed(1)} s (${(total.seeds / seconds).toFixed(2)} a second): ${Math.round(total.virtualMs / 1000)} virtual seconds, ${total.steps} steps, ${total.acknowledged} acknowledged, ${total.read} read; ${total.failed} failing${wrong === "" ? "" : `: ${wrong}`}`,
  );
  for (const [target, { limitMs, times }] of [...figures].sort()) {
    times.sort((a, b) => a - b);
    const shown = (at: number): string => `${Math.round(times[Math.min(times.length - 1, Math.floor(at * times.length))] ?? 0)} ms`;
    const allowed = Number.isFinite(limitMs) ? `, allowed ${limitMs} ms` : "";
    console.log(`  ${target}: ${times.length} times, median ${shown(0.5)}, 99 % ${shown(0.99)}, worst ${shown(1)}${allowed}`);
  }
  if (sabotage === null) return total.failed === 0 ? 0 : 1;
  const foundOut = [...kinds.keys()].some(isOfSafety);
  console.log(`${sabotage} was ${foundOut ? "" : "NOT "}found out`);
  return foundOut ? 0 : 1;
}

process.exitCode = await main();
