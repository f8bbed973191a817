// The longest gap between two acknowledgements that a producer sees when the leader of its partition is killed, or stands still; three nodes,
// replication factor 3, acks=all, flush policy commit. `--rounds N` of each kind. With `--kafka-libs` once the same for three Kafka nodes whose
// leader is killed, seen by Kafka's own producer.
import { join } from "node:path";
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { GapMeter } from "./support/gaps.ts";
import { KafkaCluster } from "./support/kafka-cluster.ts";
import { KafkaGapMeter } from "./support/kafka-load.ts";
import { createKafkaTopic } from "./support/kafka-topic.ts";
import { LedPartition } from "./support/led-partition.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine } from "./support/report.ts";

const topic = "failover";
const { rounds, kafkaLibs, directory } = await benchOptions();
console.log(machine());
if (kafkaLibs) console.log(line("longest gap, leader killed, Kafka", [await kafkaGap(kafkaLibs)], "ms"));
await using cluster = await ClusterProcesses.start({ directory });
await using ottla = new Ottla({ bootstrap: cluster.bootstrap });
const admin = ottla.admin();
await admin.createTopic({ name: topic, partitions: 1, replicationFactor: 3 });
const partition = new LedPartition(admin, topic);
await using producer = ottla.producer({ lingerMs: 0 });
const meter = new GapMeter(producer, topic, 0);
await meter.reached(100);

const kinds = {
  "leader killed": { alsoController: false, frozen: false },
  "leader killed that was the controller leader too": { alsoController: true, frozen: false },
  "leader frozen": { alsoController: false, frozen: true },
  "leader frozen that was the controller leader too": { alsoController: true, frozen: true },
} as const;
for (const [what, { alsoController, frozen }] of Object.entries(kinds)) {
  const gaps: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const victim = await partition.leaderThatIs(alsoController);
    await meter.reached(50);
    meter.reset();
    const { pid } = cluster.node(victim);
    if (frozen) process.kill(pid, "SIGSTOP");
    else await cluster.killNode(victim);
    await meter.reached(200);
    gaps.push(meter.longestMs);
    if (frozen) process.kill(pid, "SIGCONT");
    else await cluster.startNode(victim);
    await partition.untilInSync();
  }
  console.log(line(`longest gap, ${what}`, gaps, "ms"));
}
await meter.stop();

async function kafkaGap(libs: string): Promise<number> {
  await using kafka = await KafkaCluster.start(libs, join(directory, "kafka"));
  const { bootstrap } = kafka;
  await createKafkaTopic(bootstrap, topic, 1, { "flush.messages": "1" }, 3);
  const meter = await KafkaGapMeter.start(libs, directory, bootstrap, topic);
  await meter.reached(1_000);
  meter.reset();
  await kafka.killNode((await kafka.partition(topic)).leader);
  await meter.reached(2_000);
  await meter.stop();
  await kafka.stop();
  return meter.longestMs;
}
