import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SABOTAGES, type Sabotage } from "./played-load.ts";
import { type Trial, trialName, Trials } from "./trials.ts";
import { type Share, type TrialReport } from "./powerloss-worker.ts";

const usage = `npm run test:powerloss -- [options]
  --cuts N          at least so many power failures (10000); fewer than one seed has are spread over its load
  --seed S          the first seed (1)
  --workers N       processes (2)
  --sabotage NAME   ${SABOTAGES.join(" or ")}: a broken build, which must be found out
  --only TRIAL      replays one trial of the seed, such as cut/417/random/2`;
/** After so many failing trials more of them say nothing new. */
const ENOUGH_FAILURES = 200;
const SHOWN_FAILURES = 10;
/** Real time that one trial may take. */
const SILENCE_MS = 60_000;

const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "2" },
    sabotage: { type: "string" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  console.error(`--${name} ${text}: a whole number from 1 is needed\n${usage}`);
  process.exit(2);
}

function chosenSabotage(text: string | undefined): Sabotage | null {
  if (text === undefined) return null;
  const known = SABOTAGES.find((name) => name === text);
  if (known !== undefined) return known;
  console.error(`--sabotage ${text}: choose one of ${SABOTAGES.join(", ")}`);
  process.exit(2);
}

const isCut = (trial: Trial): boolean => trial.kind !== "failure";

/** So many power cuts, evenly spread, and as large a part of what else there is. */
function spread(all: readonly Trial[], cuts: number): readonly Trial[] {
  const count = Math.ceil((cuts / all.filter(isCut).length) * all.length);
  return count >= all.length ? all : Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)]!);
}

class Account {
  cuts = 0;
  failures = 0;
  acknowledged = 0;
  failed = 0;
  readonly findings = new Map<string, number>();
  readonly #startedMs = performance.now();

  count(trial: Trial, { acknowledged, findings }: TrialReport): void {
    if (isCut(trial)) this.cuts += 1;
    else this.failures += 1;
    this.acknowledged += acknowledged;
    if (findings.length > 0) this.failed += 1;
    for (const { kind } of findings) this.findings.set(kind, (this.findings.get(kind) ?? 0) + 1);
  }

  get seconds(): string {
    return ((performance.now() - this.#startedMs) / 1000).toFixed(0);
  }

  summary(): string {
    const lost = this.findings.get("lost") ?? 0;
    const doubled = this.findings.get("doubled") ?? 0;
    const other = [...this.findings].filter(([kind]) => kind !== "lost" && kind !== "doubled").map(([kind, count]) => `${count} ${kind}`);
    return [
      `${this.cuts} power cuts and ${this.failures} failed operations in ${this.seconds} s; ${this.acknowledged} acknowledged records looked for`,
      `lost ${lost}, doubled ${doubled}${other.length > 0 ? `, ${other.join(", ")}` : ""}`,
      `checked each time: every acknowledged record once and in order; committed offsets (G1); sequences (P17); log starts (P18); S1 to S3; the state's digest (D1); topics, partitions, settings; new load and a further cut`,
    ].join("\n");
  }
}

/** One process with its share. Resolves when it has told of every trial; one that stays silent, or ends before, has failed at the next. */
function employ(share: Share, report: (seed: number, trial: Trial, result: TrialReport) => boolean): Promise<void> {
  const pending = share.plan.flatMap(({ seed, trials }) => trials.map((trial) => ({ seed, trial })));
  const child = fork(fileURLToPath(new URL("powerloss-worker.ts", import.meta.url)), {
    serialization: "advanced",
    execArgv: [...process.execArgv, "--max-semi-space-size=64"],
  });
  child.send(share);
  return new Promise((resolve) => {
    const silence = setTimeout(() => child.kill("SIGKILL"), SILENCE_MS);
    let enough = false;
    child.on("message", ({ seed, trial, result }: { seed: number; trial: Trial; result: TrialReport }) => {
      silence.refresh();
      pending.shift();
      if (report(seed, trial, result)) return;
      enough = true;
      child.kill();
    });
    child.once("exit", (code, signal) => {
      clearTimeout(silence);
      const next = pending[0];
      if (next !== undefined && !enough) {
        const text = `the process that tried it ended (${code ?? signal}) without an outcome; ${pending.length - 1} trials after it were not tried`;
        report(next.seed, next.trial, { acknowledged: 0, findings: [{ kind: "hangs", text }], description: trialName(next.trial) });
      }
      resolve();
    });
  });
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const cuts = whole("cuts", values.cuts);
  const first = whole("seed", values.seed);
  const workers = whole("workers", values.workers);
  const sabotage = chosenSabotage(values.sabotage);
  const broken = sabotage === null ? "" : ` --sabotage ${sabotage}`;
  const plan: { seed: number; trials: readonly Trial[] }[] = [];
  for (let planned = 0, seed = first; planned < cuts; seed += 1) {
    const trials = await Trials.of(seed, sabotage);
    const wanted = values.only === undefined ? trials.all : trials.all.filter((trial) => trialName(trial) === values.only);
    if (wanted.length === 0) {
      console.error(`--only ${values.only}: the load of seed ${seed} has no such trial; it has ${trials.operations} operations`);
      return 2;
    }
    const ofSeed: readonly Trial[] = planned === 0 && trials.all.filter(isCut).length > cuts ? spread(wanted, cuts) : wanted;
    plan.push({ seed, trials: ofSeed });
    console.log(
      `seed ${seed}: ${trials.operations} disk operations, ${ofSeed.filter(isCut).length} power cuts, ${ofSeed.length - ofSeed.filter(isCut).length} failing operations`,
    );
    planned = values.only === undefined ? planned + trials.all.filter(isCut).length : cuts;
  }
  const account = new Account();
  const total = plan.reduce((sum, { trials }) => sum + trials.length, 0);
  const shares = Array.from({ length: Math.min(workers, total) }, (_, worker) => ({
    sabotage,
    plan: plan.map(({ seed, trials }) => ({ seed, trials: trials.filter((_trial, at) => at % workers === worker) })),
  }));
  let done = 0;
  const report = (seed: number, trial: Trial, result: TrialReport): boolean => {
    account.count(trial, result);
    done += 1;
    if (done % 1_000 === 0) console.log(`${done} of ${total} after ${account.seconds} s: ${account.failed} failing`);
    if (result.findings.length > 0 && account.failed <= SHOWN_FAILURES) {
      console.log(`FAILED seed ${seed}, ${result.description}`);
      for (const { kind, text } of result.findings.slice(0, 3)) console.log(`  ${kind}: ${text}`);
      console.log(`  again: npm run test:powerloss -- --seed ${seed} --only ${trialName(trial)}${broken}`);
    }
    return account.failed < ENOUGH_FAILURES;
  };
  await Promise.all(shares.map((share) => employ(share, report)));
  if (account.failed >= ENOUGH_FAILURES) console.log(`stopped after ${account.failed} failing trials`);
  console.log(account.summary());
  return account.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
