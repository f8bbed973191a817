// Our client to our broker, beside kafkajs on Kafka: 1 KiB records, six partitions, acks=all, synced before the acknowledgement on both sides.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NodeProcess } from "../scripts/support/node-process.ts";
import { createKafkaTopic } from "./support/kafka-topic.ts";
import { KafkaProcess } from "./support/kafka-process.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine, ratio } from "./support/report.ts";
import { capture, throughput } from "./support/run-ottla.ts";

const records = 600_000;
const size = 1024;
const { rounds, kafkaLibs, directory } = await benchOptions();
const figures = { produce: [] as number[], consume: [] as number[], kafkaProduce: [] as number[], kafkaConsume: [] as number[] };

console.log(machine());
for (let round = 0; round < rounds; round += 1) {
  const node = await NodeProcess.start({
    dataDir: join(directory, `ottla-${round}`),
    settings: { "grpc.listeners": "127.0.0.1:0", "log.flush.policy": "commit" },
  });
  const load = ["--topic", "bench", "--records", String(records)];
  figures.produce.push((await throughput(node.bootstrap, ["produce", ...load, "--size", String(size)])).recordsPerSecond);
  figures.consume.push((await throughput(node.bootstrap, ["consume", ...load])).recordsPerSecond);
  await node.stop();
  if (kafkaLibs) {
    const kafka = await KafkaProcess.start(kafkaLibs, join(directory, "kafka"), { fresh: true });
    await createKafkaTopic(kafka.bootstrap, "bench", 6, { "flush.messages": "1" });
    figures.kafkaProduce.push(await kafkajs("produce", kafka.bootstrap));
    figures.kafkaConsume.push(await kafkajs("consume", kafka.bootstrap));
    await kafka.stop();
  }
}
console.log(line("produced, flush policy commit", figures.produce, "records/s"));
console.log(line("consumed", figures.consume, "records/s"));
if (kafkaLibs) {
  console.log(line("kafkajs on Kafka produced, flush.messages=1", figures.kafkaProduce, "records/s"));
  console.log(line("kafkajs on Kafka consumed", figures.kafkaConsume, "records/s"));
  console.log(ratio("produce, Ottla over Kafka", figures.produce, figures.kafkaProduce));
  console.log(ratio("consume, Ottla over Kafka", figures.consume, figures.kafkaConsume));
}

async function kafkajs(what: "produce" | "consume", bootstrap: string): Promise<number> {
  const script = fileURLToPath(new URL("./support/kafkajs-load.ts", import.meta.url));
  const text = await capture(process.execPath, ["--import", "tsx", script, what, bootstrap, "bench", String(records), String(size)]);
  const result: { recordsPerSecond: number } = JSON.parse(text);
  return result.recordsPerSecond;
}
