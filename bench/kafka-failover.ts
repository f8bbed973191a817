// The longest time between two acknowledgements that an idempotent librdkafka producer sees when the leader of its partition is killed (SIGKILL): three
// nodes, replication factor 3, acks=all, flush policy commit; once with a leader that leads the controllers, too. --rounds N of each kind
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { LedPartition } from "./support/led-partition.ts";
import { LibrdkafkaGaps } from "./support/librdkafka.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine } from "./support/report.ts";

const topic = "failover";
const { rounds, directory } = await benchOptions();
console.log(machine());
await using cluster = await ClusterProcesses.start({ directory });
await using client = new Ottla({ bootstrap: cluster.bootstrap });
const admin = client.admin();
await admin.createTopic({ name: topic, partitions: 1, replicationFactor: 3 });
const partition = new LedPartition(admin, topic);
const meter = new LibrdkafkaGaps(cluster.kafkaBootstrap.join(","), topic);
await meter.reached(200);
for (const alsoController of [false, true]) {
  const gaps: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const victim = await partition.leaderThatIs(alsoController);
    await meter.reached(100);
    meter.reset();
    await cluster.killNode(victim);
    await meter.reached(200);
    gaps.push(meter.longestMs);
    await cluster.startNode(victim);
    await partition.untilInSync();
  }
  console.log(line(`longest gap, leader killed${alsoController ? " that was the controller leader too" : ""}`, gaps, "ms"));
}
await meter.stop();
