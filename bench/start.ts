// From the start of the process to the first acknowledged record, in a new data directory; beside Kafka (its formatting not counted). The client
// libraries are loaded before, by an uncounted first round: what is measured is the server.
import { join } from "node:path";
import { Ottla } from "@ottla/client";
import { Kafka, logLevel } from "kafkajs";
import { NodeProcess } from "../scripts/support/node-process.ts";
import { KafkaProcess } from "./support/kafka-process.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine, ratio } from "./support/report.ts";

const { rounds, kafkaLibs, directory } = await benchOptions();
const ours: number[] = [];
const kafkas: number[] = [];
console.log(machine());
await firstRecord(join(directory, "ottla-warmup"));
for (let round = 0; round < rounds; round += 1) {
  ours.push(await firstRecord(join(directory, `ottla-${round}`)));
  if (kafkaLibs) kafkas.push(await firstKafkaRecord(kafkaLibs, join(directory, "kafka")));
}
console.log(line("Ottla, start to first acknowledged record, flush policy commit", ours, "ms"));
if (kafkaLibs) {
  console.log(line("Kafka", kafkas, "ms"));
  console.log(ratio("Kafka over Ottla", kafkas, ours));
}

async function firstRecord(dataDir: string): Promise<number> {
  const startedMs = performance.now();
  const node = await NodeProcess.start({ dataDir, settings: { "grpc.listeners": "127.0.0.1:0" } });
  const ottla = new Ottla({ bootstrap: node.bootstrap });
  await ottla.producer({ lingerMs: 0 }).send("first", { value: "record" });
  const elapsedMs = performance.now() - startedMs;
  await ottla.close();
  await node.stop();
  return elapsedMs;
}

async function firstKafkaRecord(libs: string, dataDir: string): Promise<number> {
  const kafka = await KafkaProcess.start(libs, dataDir, { fresh: true });
  const startedMs = performance.now();
  const producer = new Kafka({
    brokers: [kafka.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 100, factor: 0, multiplier: 1 },
  }).producer({ allowAutoTopicCreation: true });
  await producer.connect();
  await producer.send({ topic: "first", acks: -1, messages: [{ value: "record" }] });
  const elapsedMs = kafka.startMs + performance.now() - startedMs;
  await producer.disconnect();
  await kafka.stop();
  return elapsedMs;
}
