// Three nodes, replication factor 3, acks=all, 1 KiB records, six partitions: throughput and processor time of the servers under both flush
// policies, the 99th percentile at 5 000 records a second, and what three idle nodes take. With `--kafka-libs` the same against three Kafka nodes
// in turn: a topic with flush.messages=1 beside `commit`, Kafka's default beside `os`. Ours is written to by our client, Kafka by its own. Before
// each run that counts the same cluster takes a whole one that does not: neither a JVM nor V8 is measured cold.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { KafkaCluster } from "./support/kafka-cluster.ts";
import { produceToKafka } from "./support/kafka-load.ts";
import { createKafkaTopic } from "./support/kafka-topic.ts";
import { benchOptions } from "./support/options.ts";
import { usage } from "./support/process-usage.ts";
import { line, machine, ratio } from "./support/report.ts";
import { type Throughput, throughput } from "./support/run-ottla.ts";

interface Figures {
  readonly produce: number[];
  readonly cpu: number[];
  readonly p99: number[];
  readonly idleMemory: number[];
  readonly idleCpu: number[];
}

/** A cluster of either kind that has the topics `bench` and `latency`. */
interface Subject {
  readonly pids: readonly number[];
  produce(): Promise<Throughput>;
  paced(): Promise<Throughput>;
}

const rate = 5_000;
const idleSeconds = 10;
const MB = 1e6;
const records = 1_000_000;
const { rounds, kafkaLibs, directory } = await benchOptions();
console.log(machine());
console.log(`${records} records a run; before each run a whole one is discarded as warm-up`);
for (const policy of ["commit", "os"]) {
  const [ours, kafkas] = [figures(), figures()];
  for (let round = 0; round < rounds; round += 1) {
    await measureOurs(policy, round, ours);
    if (kafkaLibs) await measureKafka(kafkaLibs, policy, kafkas);
  }
  report(`Ottla, flush policy ${policy}`, ours);
  if (!kafkaLibs) continue;
  report(`Kafka, ${policy === "commit" ? "flush.messages=1" : "no sync before the acknowledgement"}`, kafkas);
  console.log(ratio(`produced, ${policy}, Ottla over Kafka`, ours.produce, kafkas.produce));
  console.log(ratio(`processor time, ${policy}, Kafka over Ottla`, kafkas.cpu, ours.cpu));
  console.log(ratio(`p99, ${policy}, Kafka over Ottla`, kafkas.p99, ours.p99));
}

async function measureOurs(policy: string, round: number, into: Figures): Promise<void> {
  await using cluster = await ClusterProcesses.start({
    directory: join(directory, `${policy}-${round}`),
    settings: { "log.flush.policy": policy },
  });
  {
    await using ottla = new Ottla({ bootstrap: cluster.bootstrap });
    await ottla.admin().createTopics(["bench", "latency"].map((name) => ({ name, partitions: 6, replicationFactor: 3 })));
  }
  const load = (topic: string, args: readonly string[]): Promise<Throughput> =>
    throughput(cluster.bootstrap, ["produce", "--topic", topic, "--size", "1024", ...args]);
  await measure(into, {
    pids: cluster.running.map(({ pid }) => pid),
    produce: () => load("bench", ["--records", String(records), "--linger", "10"]),
    paced: () => load("latency", ["--rate", String(rate), "--warmup", String(rate * 5), "--records", String(rate * 15), "--linger", "5"]),
  });
  await cluster.stop();
}

async function measureKafka(libs: string, policy: string, into: Figures): Promise<void> {
  await using cluster = await KafkaCluster.start(libs, join(directory, "kafka"));
  const { bootstrap } = cluster;
  const configs: Record<string, string> = policy === "commit" ? { "flush.messages": "1" } : {};
  for (const topic of ["bench", "latency"]) await createKafkaTopic(bootstrap, topic, 6, configs, 3);
  await measure(into, {
    pids: cluster.pids,
    produce: () => produceToKafka(libs, bootstrap, { topic: "bench", records, lingerMs: 10 }),
    paced: () => produceToKafka(libs, bootstrap, { topic: "latency", warmup: rate * 5, records: rate * 15, rate, lingerMs: 5 }),
  });
  await cluster.stop();
}

async function measure(into: Figures, { pids, produce, paced }: Subject): Promise<void> {
  await delay(3_000);
  const idleBefore = await usages(pids);
  await delay(idleSeconds * 1_000);
  const idleAfter = await usages(pids);
  into.idleMemory.push(...idleAfter.map(({ rssBytes }) => rssBytes / MB));
  into.idleCpu.push(...idleAfter.map(({ cpuSeconds }, at) => ((cpuSeconds - (idleBefore[at]?.cpuSeconds ?? 0)) * 100) / idleSeconds));
  const warmup = await produce();
  console.log(`  discarded: ${Math.round(warmup.recordsPerSecond)} records/s`);
  const before = total(await usages(pids));
  into.produce.push((await produce()).recordsPerSecond);
  // Followers are acknowledged as durable, so nothing is left to be done behind the last acknowledgement but their own marks.
  into.cpu.push(((total(await usages(pids)) - before) / records) * 1e6);
  into.p99.push((await paced()).latencyMs?.p99 ?? Number.NaN);
}

function figures(): Figures {
  return { produce: [], cpu: [], p99: [], idleMemory: [], idleCpu: [] };
}

function report(who: string, { produce, cpu, p99, idleMemory, idleCpu }: Figures): void {
  console.log(line(`${who}: produced, RF 3`, produce, "records/s"));
  console.log(line(`${who}: processor time of the three nodes`, cpu, "s per million records", 2));
  console.log(line(`${who}: p99 at ${rate} records/s, linger 5 ms, RF 3`, p99, "ms", 1));
  console.log(line(`${who}: idle memory of a node`, idleMemory, "MB"));
  console.log(line(`${who}: idle CPU of a node over ${idleSeconds} s`, idleCpu, "% of a core", 2));
}

function usages(pids: readonly number[]): Promise<{ rssBytes: number; cpuSeconds: number }[]> {
  return Promise.all(pids.map((pid) => usage(pid)));
}

function total(used: readonly { cpuSeconds: number }[]): number {
  return used.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}
