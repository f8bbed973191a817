// Memory while 10 GB pass through a node that keeps little of it.
import { join } from "node:path";
import { Ottla } from "@ottla/client";
import { NodeProcess } from "../scripts/support/node-process.ts";
import { benchOptions } from "./support/options.ts";
import { usage } from "./support/process-usage.ts";
import { line, machine } from "./support/report.ts";
import { throughput } from "./support/run-ottla.ts";

const steps = 10;
const recordsPerStep = 1_000_000;
const { directory } = await benchOptions();
console.log(machine());
const node = await NodeProcess.start({
  dataDir: join(directory, "ottla"),
  settings: { "grpc.listeners": "127.0.0.1:0", "log.retention.check.interval.ms": "1000" },
});
await using ottla = new Ottla({ bootstrap: node.bootstrap });
await ottla.admin().createTopic({
  name: "through",
  partitions: 6,
  configs: { "segment.bytes": String(16 * 1024 * 1024), "retention.bytes": String(64 * 1024 * 1024) },
});
const megabytes: number[] = [];
for (let step = 0; step < steps; step += 1) {
  const { recordsPerSecond } = await throughput(node.bootstrap, [
    "produce",
    "--topic",
    "through",
    "--records",
    String(recordsPerStep),
    "--size",
    "1024",
  ]);
  megabytes.push((await usage(node.pid)).rssBytes / 1e6);
  console.log(`${step + 1} GB: ${recordsPerSecond} records/s, ${megabytes.at(-1)?.toFixed(0)} MB resident`);
}
await node.stop();
console.log(line("resident memory after each GB, flush policy commit", megabytes, "MB"));
