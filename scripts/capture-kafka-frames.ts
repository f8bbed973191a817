// Captures what Apache Kafka and its clients really send, as test data of the codec: starts one Kafka node whose clients go through a proxy, runs
// Kafka's own tools, kcat and kafkajs, then asks it everything once more in all versions. Needs Java 17, and kcat if it is to take part.
//   npx tsx --conditions=ottla-source scripts/capture-kafka-frames.ts <directory of Kafka's jars> <version of Kafka>
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runClients } from "./kafka-frames/clients.ts";
import { Frames } from "./kafka-frames/frames.ts";
import { startKafka } from "./kafka-frames/kafka.ts";
import { openProxy } from "./kafka-frames/proxy.ts";
import { replayInAllVersions } from "./kafka-frames/replay.ts";

const [jars, kafkaVersion] = process.argv.slice(2);
if (jars === undefined || kafkaVersion === undefined) throw new Error("Name the directory of Kafka's jars and its version");

const KAFKA_PORT = 29_192;
const PROXY_PORT = 29_292;
const output = join(import.meta.dirname, "../packages/protocol/src/kafka/golden/frames.txt");

const frames = new Frames();
await using kafka = await startKafka({ jars, port: KAFKA_PORT, advertisedPort: PROXY_PORT });
{
  await using _proxy = await openProxy(PROXY_PORT, KAFKA_PORT, frames);
  await kafka.ready(`127.0.0.1:${PROXY_PORT}`);
  await runClients(kafka, `127.0.0.1:${PROXY_PORT}`);
}
await replayInAllVersions(KAFKA_PORT, frames);
const text = frames.text(`Frames of Apache Kafka ${kafkaVersion} and its clients, made by scripts/capture-kafka-frames.ts`);
await writeFile(output, text);
process.stdout.write(`${frames.count} frames, ${text.length} bytes in ${output}\n`);
