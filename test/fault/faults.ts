import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runFaults, faults } from "./fault-run.ts";
import { isApart, runApart, whyNotApart } from "./ground/apart.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    rounds: { type: "string", default: "50" },
    pairs: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    sabotage: { type: "string" },
  },
});
const sabotages = ["sync-is-a-lie", "answer-before-sync"];
if (values.sabotage !== undefined && !sabotages.includes(values.sabotage))
  throw new Error(`--sabotage ${values.sabotage}: choose one of ${sabotages.join(", ")}`);
/** A preloaded file that breaks a node's syncs in one of these ways. */
const brokenSync = fileURLToPath(new URL("../simulation/broken-sync.cjs", import.meta.url));
const why = isApart ? null : whyNotApart();
if (!isApart && why === null) process.exitCode = await runApart(fileURLToPath(import.meta.url), process.argv.slice(2));
else process.exitCode = await main(why);

async function main(whyTogether: string | null): Promise<number> {
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  const rounds = Number(values.rounds);
  const only = values.only.split(",").filter((name) => name !== "");
  const print = (line: string): void => console.log(line);
  if (whyTogether !== null)
    print(
      `SKIPPED: ${faults.flatMap(({ name, needs }) => (needs ? [name] : [])).join(", ")}: this machine lets no process have a network of its own (${whyTogether})`,
    );
  print(`${rounds} rounds, seed ${seed}`);
  const { sabotage } = values;
  if (sabotage !== undefined) print(`Every node's syncs are broken: ${sabotage}`);
  const env = sabotage === undefined ? {} : { NODE_OPTIONS: `--require ${brokenSync}`, BROKEN_SYNC: sabotage };
  const directory = await mkdtemp(join(tmpdir(), "ottla-faults-"));
  const repeat = `npm run test:faults -- --seed ${seed} --rounds ${rounds}${only.length > 0 ? ` --only ${only.join(",")}` : ""}${values.pairs ? " --pairs" : ""}`;
  try {
    const { acknowledged, unknown, anomalies, happened } = await runFaults({
      seed,
      rounds,
      directory,
      apart: isApart,
      only,
      pairs: values.pairs,
      env,
      print,
    });
    const count = (kind: string): number => anomalies.filter((anomaly) => anomaly.kind === kind).length;
    print([...happened].map(([name, times]) => `${name} ${times}`).join(", "));
    const never = faults.filter(({ name }) => !happened.has(name)).map(({ name }) => name);
    if (never.length > 0) print(`did not happen: ${never.join(", ")}`);
    print(
      `${acknowledged} records acknowledged, ${unknown} of unknown outcome: lost ${count("lost")}, doubled ${count("doubled")}, out of order ${count("reordered")}, diverged ${count("diverged")}, ${anomalies.length} anomalies in all`,
    );
    for (const { kind, text } of anomalies.slice(0, 20)) print(`${kind}: ${text}`);
    if (anomalies.length > 0) print(`The same choices again: ${repeat}`);
    return anomalies.length === 0 ? 0 : 1;
  } catch (error) {
    print(`FAILED: ${error instanceof Error ? error.stack : String(error)}\nThe same choices again: ${repeat}`);
    return 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
