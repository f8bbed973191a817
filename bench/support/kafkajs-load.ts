// kafkajs against Kafka in a process of its own, as `ottla bench` is: produce|consume BOOTSTRAP TOPIC RECORDS SIZE
import { randomBytes } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";

const [what, bootstrap = "", topic = "", recordsText = "0", sizeText = "0"] = process.argv.slice(2);
const records = Number(recordsText);
const size = Number(sizeText);
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR });
const perBatch = 250;
const batchesInFlight = 20;

if (what === "produce") {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 5 });
  await producer.connect();
  const pool = randomBytes(size + 4096);
  const startedMs = performance.now();
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (sent < records) {
      const messages = Array.from({ length: Math.min(perBatch, records - sent) }, () => {
        const at = sent++ % 4096;
        return { value: pool.subarray(at, at + size) };
      });
      await producer.send({ topic, acks: -1, messages });
    }
  };
  await Promise.all(Array.from({ length: batchesInFlight }, lane));
  print(performance.now() - startedMs);
  await producer.disconnect();
} else {
  const consumer = kafka.consumer({ groupId: `bench-${process.pid}`, maxBytesPerPartition: 1_048_576 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let read = 0;
  let startedMs: number | undefined;
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachBatch: async ({ batch }) => {
        startedMs ??= performance.now();
        read += batch.messages.length;
        if (read >= records) resolve();
      },
    });
  });
  print(performance.now() - (startedMs ?? 0));
  await consumer.disconnect();
}

function print(elapsedMs: number): void {
  console.log(JSON.stringify({ recordsPerSecond: Math.round((records * 1000) / elapsedMs) }));
}
