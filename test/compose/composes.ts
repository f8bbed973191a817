import { parseArgs } from "node:util";
import { Compose } from "./compose.ts";
import { runCompose } from "./compose-run.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, rounds: { type: "string", default: "10" } } });
const why = Compose.whyNot();
if (why === null) process.exitCode = await main();
else console.log(`SKIPPED: docker-compose: ${why}`);

async function main(): Promise<number> {
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  const rounds = Number(values.rounds);
  console.log(`${rounds} rounds, seed ${seed}`);
  const { acknowledged, unknown, anomalies } = await runCompose({ seed, rounds, print: (line) => console.log(line) });
  const count = (kind: string): number => anomalies.filter((anomaly) => anomaly.kind === kind).length;
  console.log(
    `${acknowledged} records acknowledged, ${unknown} of unknown outcome: lost ${count("lost")}, doubled ${count("doubled")}, ${anomalies.length} anomalies in all`,
  );
  for (const { kind, text } of anomalies.slice(0, 20)) console.log(`${kind}: ${text}`);
  return anomalies.length === 0 ? 0 : 1;
}
