// Unmodified Kafka clients writing to Ottla and to Kafka in turn: kcat (librdkafka) and Kafka's own load generator with large and with default
// batches, 1 KiB records, six partitions, acks=all; one node and, with --nodes 3, replication factor 3. Kafka syncs as Ottla does: flush.messages=1
// beside `commit`, its default beside `os`. Each cluster is fresh and takes one run that does not count.
// --rounds N  --kafka-libs DIR  --directory DIR; in the environment: NODES=1|3, RECORDS=N, POLICIES=commit,os, CLIENTS=kcat,java,java16
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cpuSeconds, kafka, ottla, type Policy, type Subject } from "./support/kafka-subject.ts";
import { produceToKafka } from "./support/kafka-load.ts";
import { createKafkaTopic } from "./support/kafka-topic.ts";
import { kcatConsume, kcatProduce, linesOf1KiB } from "./support/librdkafka.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine, ratio } from "./support/report.ts";

const { rounds, kafkaLibs, directory } = await benchOptions();
const nodes = process.env["NODES"] === "3" ? 3 : 1;
const records = Number(process.env["RECORDS"] ?? 1_000_000);
const policies = (process.env["POLICIES"] ?? "os,commit").split(",") as Policy[];
const chosen = (process.env["CLIENTS"] ?? "kcat,java,java16").split(",");

type Figures = Record<string, { produced: number[]; consumed: number[]; cpu: number[] }>;
const lines = await linesOf1KiB(join(directory, "lines"), records);
console.log(machine());
console.log(`${nodes} node(s), ${records} records a run; a run is discarded before each that counts`);
for (const policy of policies) {
  const [ours, theirs]: [Figures, Figures] = [{}, {}];
  for (let round = 0; round < rounds; round += 1) {
    await measure(await ottla({ nodes, policy, directory }), ours);
    if (kafkaLibs) await measure(await kafka(kafkaLibs, { nodes, policy, directory }), theirs);
  }
  for (const [client, { produced, consumed, cpu }] of Object.entries(ours)) {
    const beside = theirs[client];
    const what = `${client}, ${policy}, ${nodes} node(s)`;
    console.log(line(`${what}: Ottla produced`, produced, "records/s"));
    console.log(line(`${what}: Ottla processor time of the servers`, cpu, "s per million records", 2));
    if (beside) {
      console.log(line(`${what}: Kafka produced`, beside.produced, "records/s"));
      console.log(line(`${what}: Kafka processor time of the servers`, beside.cpu, "s per million records", 2));
      console.log(ratio(`${what}: produced, Ottla over Kafka`, produced, beside.produced));
      console.log(ratio(`${what}: processor time, Kafka over Ottla`, beside.cpu, cpu));
    }
    if (consumed.length === 0) continue;
    console.log(line(`${what}: Ottla consumed`, consumed, "records/s"));
    if (!beside) continue;
    console.log(line(`${what}: Kafka consumed`, beside.consumed, "records/s"));
    console.log(ratio(`${what}: consumed, Ottla over Kafka`, consumed, beside.consumed));
  }
}

async function measure(subject: Subject, into: Figures): Promise<void> {
  await using running = subject;
  const { bootstrap, pids, topicConfigs } = running;
  for (const client of chosen) {
    const topic = `bench-${client}`;
    const produce = load(client, bootstrap, topic);
    await createKafkaTopic(bootstrap, topic, 6, topicConfigs, nodes);
    const discarded = await produce();
    await delay(1_000);
    const before = await cpuSeconds(pids);
    const produced = await produce();
    const cpu = (((await cpuSeconds(pids)) - before) / records) * 1e6;
    console.log(`  ${client}: ${Math.round(produced)} records/s, before it ${Math.round(discarded)}`);
    const figures = (into[client] ??= { produced: [], consumed: [], cpu: [] });
    figures.produced.push(produced);
    figures.cpu.push(cpu);
    // Twice as many are there by now: the run that was discarded, and the one that counts.
    if (client === "kcat") figures.consumed.push(await kcatConsume(bootstrap, topic, 2 * records));
  }
}

function load(client: string, bootstrap: string, topic: string): () => Promise<number> {
  if (client === "kcat") return () => kcatProduce(bootstrap, topic, lines, records);
  if (!kafkaLibs) throw new Error(`${client} needs --kafka-libs: it is Kafka's own load generator`);
  const libs = kafkaLibs;
  const batchBytes = client === "java16" ? 16_384 : 262_144;
  const lingerMs = client === "java16" ? 5 : 10;
  return async () => (await produceToKafka(libs, bootstrap, { topic, records, lingerMs, batchBytes })).recordsPerSecond;
}
