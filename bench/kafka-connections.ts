// What connections of Kafka clients cost and take from each other, on one node: memory with 2 000 idle ones; how equally 200 busy ones are served; the
// 99th percentile of a client that writes little, alone and beside one that writes as much as it can. Against Ottla and Kafka in turn.
// --rounds N  --kafka-libs DIR; in the environment: IDLE=2000, BUSY=200, SECONDS=10
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { encodeBatchSync, kafka as protocol } from "@ottla/protocol";
import { KafkaWire } from "../test/compat/rig/wire.ts";
import { kafka, ottla, type Subject } from "./support/kafka-subject.ts";
import { createKafkaTopic } from "./support/kafka-topic.ts";
import { kcatProduce, linesOf1KiB } from "./support/librdkafka.ts";
import { benchOptions } from "./support/options.ts";
import { usage } from "./support/process-usage.ts";
import { line, machine, median, ratio } from "./support/report.ts";

const { rounds, kafkaLibs, directory } = await benchOptions();
const [idle, busy, seconds] = [numberOf("IDLE", 2000), numberOf("BUSY", 200), numberOf("SECONDS", 10)];
const greedyRecords = 50_000 * seconds;
const records = encodeBatchSync([{ key: null, value: Buffer.alloc(1024, "x"), timestamp: 1_767_225_600_000 }]);

interface Figures {
  readonly idleMegabytes: number[];
  readonly perSecond: number[];
  readonly least: number[];
  readonly alone: number[];
  readonly beside: number[];
}
const lines = await linesOf1KiB(join(directory, "lines"), greedyRecords);
const [ours, theirs] = [figures(), figures()];
console.log(machine());
for (let round = 0; round < rounds; round += 1) {
  const options = { nodes: 1, policy: "commit", directory } as const;
  await measure(await ottla(options), ours);
  if (kafkaLibs) await measure(await kafka(kafkaLibs, options), theirs);
}
report("Ottla", ours);
if (kafkaLibs) {
  report("Kafka", theirs);
  console.log(ratio("busy connections, Ottla over Kafka", ours.perSecond, theirs.perSecond));
  console.log(ratio("p99 beside a greedy client, Kafka over Ottla", theirs.beside, ours.beside));
}

async function measure(subject: Subject, into: Figures): Promise<void> {
  await using running = subject;
  const { bootstrap, pids, topicConfigs } = running;
  const [pid = -1] = pids;
  await createKafkaTopic(bootstrap, "small", 1, topicConfigs);
  await createKafkaTopic(bootstrap, "greedy", 6, topicConfigs);
  await smallClient(bootstrap, 3);
  const before = (await usage(pid)).rssBytes;
  const wires = await connected(bootstrap, idle);
  await delay(2_000);
  into.idleMegabytes.push(((await usage(pid)).rssBytes - before) / 1e6);
  await closed(wires);

  const counts = await busyClients(bootstrap);
  into.perSecond.push(counts.reduce((sum, one) => sum + one, 0) / seconds);
  into.least.push(Math.min(...counts) / median(counts));

  into.alone.push(await smallClient(bootstrap, seconds));
  const greedy = kcatProduce(bootstrap, "greedy", lines, greedyRecords);
  await delay(500);
  into.beside.push(await smallClient(bootstrap, Math.max(2, seconds / 2)));
  await greedy;
}

/** Each has said what every client says first. */
async function connected(bootstrap: string, count: number): Promise<KafkaWire[]> {
  const wires: KafkaWire[] = [];
  while (wires.length < count) {
    const some = await Promise.all(Array.from({ length: Math.min(100, count - wires.length) }, () => KafkaWire.connect(bootstrap)));
    await Promise.all(
      some.map((wire) => wire.ask(protocol.apis.apiVersions, 3, { clientSoftwareName: "bench", clientSoftwareVersion: "1" })),
    );
    wires.push(...some);
  }
  return wires;
}

/** @returns how many records each got acknowledged, one at a time */
async function busyClients(bootstrap: string): Promise<number[]> {
  const wires = await connected(bootstrap, busy);
  const untilMs = performance.now() + seconds * 1000;
  const counts = await Promise.all(
    wires.map(async (wire) => {
      let count = 0;
      for (; performance.now() < untilMs; count += 1) await produce(wire);
      return count;
    }),
  );
  await closed(wires);
  return counts;
}

/** 100 records a second, one at a time. @returns the 99th percentile in milliseconds */
async function smallClient(bootstrap: string, forSeconds: number): Promise<number> {
  await using wire = await KafkaWire.connect(bootstrap);
  const latencies: number[] = [];
  const startedMs = performance.now();
  for (let at = 0; at < forSeconds * 100; at += 1) {
    await delay(Math.max(0, at * 10 - (performance.now() - startedMs)));
    const sentMs = performance.now();
    await produce(wire);
    latencies.push(performance.now() - sentMs);
  }
  return latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
}

async function produce(wire: KafkaWire): Promise<void> {
  const answer = await wire.ask(protocol.apis.produce, 7, {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: "small", partitionData: [{ index: 0, records }] }],
  });
  if (answer.responses[0]?.partitionResponses[0]?.errorCode !== 0) throw new Error(`Refused: ${JSON.stringify(answer)}`);
}

async function closed(wires: readonly KafkaWire[]): Promise<void> {
  await Promise.all(wires.map((wire) => wire[Symbol.asyncDispose]()));
  await delay(500);
}

function figures(): Figures {
  return { idleMegabytes: [], perSecond: [], least: [], alone: [], beside: [] };
}

function report(who: string, { idleMegabytes, perSecond, least, alone, beside }: Figures): void {
  console.log(line(`${who}: memory that ${idle} idle connections add`, idleMegabytes, "MB", 1));
  console.log(line(`${who}: ${busy} busy connections together`, perSecond, "records/s"));
  console.log(line(`${who}: the one of them that got least, as a share of the median`, least, "", 2));
  console.log(line(`${who}: p99 of 100 records/s alone`, alone, "ms", 1));
  console.log(line(`${who}: the same beside a greedy client`, beside, "ms", 1));
}

function numberOf(name: string, otherwise: number): number {
  return Number(process.env[name] ?? otherwise);
}
