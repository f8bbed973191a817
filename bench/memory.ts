// Resident memory and CPU of an idle node, and memory after 200 MB were produced; beside Kafka.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { NodeProcess } from "../scripts/support/node-process.ts";
import { KafkaProcess } from "./support/kafka-process.ts";
import { benchOptions } from "./support/options.ts";
import { usage } from "./support/process-usage.ts";
import { line, machine } from "./support/report.ts";
import { throughput } from "./support/run-ottla.ts";

const idleSeconds = 10;
const MB = 1e6;
const { rounds, kafkaLibs, directory } = await benchOptions();
const figures = { idle: [] as number[], cpu: [] as number[], loaded: [] as number[], kafkaIdle: [] as number[], kafkaCpu: [] as number[] };
console.log(machine());
for (let round = 0; round < rounds; round += 1) {
  const node = await NodeProcess.start({ dataDir: join(directory, `ottla-${round}`), settings: { "grpc.listeners": "127.0.0.1:0" } });
  const idle = await idling(node.pid);
  figures.idle.push(idle.megabytes);
  figures.cpu.push(idle.cpuPercent);
  await throughput(node.bootstrap, ["produce", "--records", "200000", "--size", "1024"]);
  figures.loaded.push((await usage(node.pid)).rssBytes / MB);
  await node.stop();
  if (kafkaLibs) {
    const kafka = await KafkaProcess.start(kafkaLibs, join(directory, "kafka"), { fresh: true });
    const other = await idling(kafka.pid);
    figures.kafkaIdle.push(other.megabytes);
    figures.kafkaCpu.push(other.cpuPercent);
    await kafka.stop();
  }
}
console.log(line("idle memory", figures.idle, "MB"));
console.log(line(`idle CPU over ${idleSeconds} s`, figures.cpu, "% of a core", 2));
console.log(line("memory after 200 MB of produce", figures.loaded, "MB"));
if (kafkaLibs) {
  console.log(line("Kafka, idle memory", figures.kafkaIdle, "MB"));
  console.log(line("Kafka, idle CPU", figures.kafkaCpu, "% of a core", 2));
}

async function idling(pid: number): Promise<{ megabytes: number; cpuPercent: number }> {
  await delay(3_000);
  const before = await usage(pid);
  await delay(idleSeconds * 1_000);
  const after = await usage(pid);
  return { megabytes: after.rssBytes / MB, cpuPercent: ((after.cpuSeconds - before.cpuSeconds) * 100) / idleSeconds };
}
