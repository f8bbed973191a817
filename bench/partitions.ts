// Create 1 000 partitions and get one record acknowledged in each; restart with 6 000 after a clean stop, to the first acknowledged record.
import { join } from "node:path";
import { Ottla } from "@ottla/client";
import { Kafka, logLevel } from "kafkajs";
import { freePort, NodeProcess } from "../scripts/support/node-process.ts";
import { createKafkaTopic } from "./support/kafka-topic.ts";
import { KafkaProcess } from "./support/kafka-process.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine, ratio } from "./support/report.ts";

const { rounds, kafkaLibs, directory } = await benchOptions();
const created: number[] = [];
const stopped: number[] = [];
const restarted: number[] = [];
const kafkaCreated: number[] = [];
console.log(machine());
for (let round = 0; round < rounds; round += 1) {
  const options = { dataDir: join(directory, `ottla-${round}`), settings: { "grpc.listeners": `127.0.0.1:${await freePort()}` } };
  let node = await NodeProcess.start(options);
  await using ottla = new Ottla({ bootstrap: node.bootstrap });
  created.push(await timed(() => createAndWrite(ottla, "thousand", 1_000)));
  await createAndWrite(ottla, "more", 5_000);
  stopped.push(await timed(() => node.stop()));
  restarted.push(
    await timed(async () => {
      node = await NodeProcess.start(options);
      await ottla.producer({ lingerMs: 0 }).send("more", { value: "again", partition: 4_999 });
    }),
  );
  await node.stop();
  if (kafkaLibs) {
    const kafka = await KafkaProcess.start(kafkaLibs, join(directory, "kafka"), { fresh: true });
    kafkaCreated.push(await timed(() => createAndWriteKafka(kafka.bootstrap, "thousand", 1_000)));
    await kafka.stop();
  }
}
console.log(line("1 000 partitions created and written once, flush policy commit", created, "ms"));
if (kafkaLibs) {
  console.log(line("Kafka", kafkaCreated, "ms"));
  console.log(ratio("Kafka over Ottla", kafkaCreated, created));
}
console.log(line("clean stop with 6 000 partitions", stopped, "ms"));
console.log(line("restart with 6 000 partitions to the first acknowledged record", restarted, "ms"));

async function createAndWrite(ottla: Ottla, topic: string, partitions: number): Promise<void> {
  await ottla.admin().createTopic({ name: topic, partitions });
  await using producer = ottla.producer({ lingerMs: 0 });
  await Promise.all(Array.from({ length: partitions }, (_, partition) => producer.send(topic, { value: "record", partition })));
}

async function createAndWriteKafka(bootstrap: string, topic: string, partitions: number): Promise<void> {
  await createKafkaTopic(bootstrap, topic, partitions, { "flush.messages": "1" });
  const producer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR }).producer();
  await producer.connect();
  await producer.send({
    topic,
    acks: -1,
    messages: Array.from({ length: partitions }, (_, partition) => ({ value: "record", partition })),
  });
  await producer.disconnect();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
