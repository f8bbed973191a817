import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runKills } from "./kill-run.ts";

const { values } = parseArgs({ options: { count: { type: "string", default: "100" }, seed: { type: "string" } } });
const kills = Number(values.count);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const dataDir = await mkdtemp(join(tmpdir(), "ottla-kills-"));
console.log(`${kills} kills, seed ${seed}`);
const { acknowledged, unknown, anomalies } = await runKills({ kills, seed, dataDir, print: (line) => console.log(line) });
const count = (kind: string): number => anomalies.filter((anomaly) => anomaly.kind === kind).length;
console.log(
  `${acknowledged} records acknowledged, ${unknown} of unknown outcome: ${count("lost")} lost, ${count("doubled")} doubled, ${count("reordered")} out of order, ${anomalies.length} anomalies in all`,
);
for (const { kind, text } of anomalies.slice(0, 20)) console.log(`${kind}: ${text}`);
if (anomalies.length === 0) await rm(dataDir, { recursive: true });
else console.log(`The data directory is kept in ${dataDir}; the same choices again: npm run test:kills -- --count ${kills} --seed ${seed}`);
process.exitCode = anomalies.length === 0 ? 0 : 1;
