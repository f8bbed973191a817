// 99th percentile from send to acknowledgement at 5 000 records of 1 KiB a second, synced before each acknowledgement, after a warm-up.
import { join } from "node:path";
import { NodeProcess } from "../scripts/support/node-process.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine } from "./support/report.ts";
import { throughput } from "./support/run-ottla.ts";

const rate = 5_000;
const { rounds, directory } = await benchOptions();
const p99: number[] = [];
const p50: number[] = [];
console.log(machine());
const node = await NodeProcess.start({
  dataDir: join(directory, "ottla"),
  settings: { "grpc.listeners": "127.0.0.1:0", "log.flush.policy": "commit" },
});
for (let round = 0; round < rounds; round += 1) {
  const { latencyMs } = await throughput(node.bootstrap, [
    "produce",
    "--topic",
    "latency",
    "--rate",
    String(rate),
    "--warmup",
    String(rate * 5),
    "--records",
    String(rate * 20),
    "--linger",
    "5",
  ]);
  p50.push(latencyMs?.p50 ?? Number.NaN);
  p99.push(latencyMs?.p99 ?? Number.NaN);
}
await node.stop();
console.log(line(`p50 at ${rate} records/s, linger 5 ms, flush policy commit`, p50, "ms", 1));
console.log(line(`p99 at ${rate} records/s, linger 5 ms, flush policy commit`, p99, "ms", 1));
