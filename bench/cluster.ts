// Three nodes, replication factor 3, acks=all, 1 KiB records, six partitions: throughput and processor time under both flush policies, the 99th
// percentile at 5 000 records a second, and what three idle nodes take.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { benchOptions } from "./support/options.ts";
import { usage } from "./support/process-usage.ts";
import { line, machine } from "./support/report.ts";
import { throughput } from "./support/run-ottla.ts";

const records = 600_000;
const rate = 5_000;
const idleSeconds = 10;
const MB = 1e6;
const { rounds, directory } = await benchOptions();
console.log(machine());
for (const policy of ["commit", "os"]) {
  const figures = {
    produce: [] as number[],
    cpu: [] as number[],
    p99: [] as number[],
    idleMemory: [] as number[],
    idleCpu: [] as number[],
  };
  for (let round = 0; round < rounds; round += 1) {
    await using cluster = await ClusterProcesses.start({
      directory: join(directory, `${policy}-${round}`),
      settings: { "log.flush.policy": policy },
    });
    await createTopics(cluster.bootstrap);
    await delay(3_000);
    const idleBefore = await usages(cluster);
    await delay(idleSeconds * 1_000);
    const idleAfter = await usages(cluster);
    figures.idleMemory.push(...idleAfter.map(({ rssBytes }) => rssBytes / MB));
    figures.idleCpu.push(...idleAfter.map(({ cpuSeconds }, at) => ((cpuSeconds - (idleBefore[at]?.cpuSeconds ?? 0)) * 100) / idleSeconds));
    const before = total(await usages(cluster));
    const load = ["produce", "--topic", "bench", "--records", String(records), "--size", "1024"];
    figures.produce.push((await throughput(cluster.bootstrap, load)).recordsPerSecond);
    // Followers are acknowledged as durable, so nothing is left to be done behind the last acknowledgement but their own marks.
    figures.cpu.push(((total(await usages(cluster)) - before) / records) * 1e6);
    const paced = ["produce", "--topic", "latency", "--rate", String(rate), "--warmup", String(rate * 5), "--records", String(rate * 15)];
    figures.p99.push((await throughput(cluster.bootstrap, [...paced, "--linger", "5"])).latencyMs?.p99 ?? Number.NaN);
    await cluster.stop();
  }
  console.log(line(`produced, RF 3, flush policy ${policy}`, figures.produce, "records/s"));
  console.log(line(`processor time of the three nodes, flush policy ${policy}`, figures.cpu, "s per million records", 2));
  console.log(line(`p99 at ${rate} records/s, linger 5 ms, RF 3, flush policy ${policy}`, figures.p99, "ms", 1));
  console.log(line("idle memory of a node", figures.idleMemory, "MB"));
  console.log(line(`idle CPU of a node over ${idleSeconds} s`, figures.idleCpu, "% of a core", 2));
}

async function createTopics(bootstrap: readonly string[]): Promise<void> {
  await using ottla = new Ottla({ bootstrap });
  await ottla.admin().createTopics(["bench", "latency"].map((name) => ({ name, partitions: 6, replicationFactor: 3 })));
}

function usages(cluster: ClusterProcesses): Promise<{ rssBytes: number; cpuSeconds: number }[]> {
  return Promise.all(cluster.running.map(({ pid }) => usage(pid)));
}

function total(used: readonly { cpuSeconds: number }[]): number {
  return used.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}
