// Full load on three nodes for ten minutes (`--minutes N`): nobody may be elected, fenced or leave an ISR.
import { parseArgs } from "node:util";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { machine } from "./support/report.ts";
import { throughput } from "./support/run-ottla.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const directory = mkdtempSync(join(tmpdir(), "ottla-bench-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
console.log(machine());
await using cluster = await ClusterProcesses.start({ directory });
await using ottla = new Ottla({ bootstrap: cluster.bootstrap });
const admin = ottla.admin();
// What passes is not kept: ten minutes of it would fill a disk.
await admin.createTopic({
  name: "steady",
  partitions: 6,
  replicationFactor: 3,
  configs: { "retention.bytes": String(256 << 20), "segment.bytes": String(64 << 20) },
});
const before = (await admin.describeEvents()).at(-1)?.number ?? 0;
const untilMs = performance.now() + Number(values.minutes) * 60_000;
let records = 0;
while (performance.now() < untilMs) {
  await throughput(cluster.bootstrap, ["produce", "--topic", "steady", "--records", "2000000", "--size", "1024"]);
  records += 2_000_000;
}
const events = (await admin.describeEvents({ after: before })).filter(({ kind }) =>
  ["controller", "elected", "fenced", "isr"].includes(kind),
);
for (const { kind, text } of events) console.log(`${kind}: ${text}`);
console.log(`${records} records in ${values.minutes} minutes, flush policy commit: ${events.length} elections, fencings and ISR changes`);
await cluster.stop();
process.exitCode = events.length > 0 ? 1 : 0;
