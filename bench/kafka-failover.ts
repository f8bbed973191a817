// The longest time between two acknowledgements that an idempotent librdkafka producer sees when the leader of its partition is killed (SIGKILL): three
// nodes, replication factor 3, acks=all, flush policy commit; once with a leader that leads the controllers, too. --rounds N of each kind
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { LibrdkafkaGaps } from "./support/librdkafka.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine } from "./support/report.ts";
import { untilTrue } from "./support/wait.ts";

const topic = "failover";
const { rounds, directory } = await benchOptions();
console.log(machine());
await using cluster = await ClusterProcesses.start({ directory });
await using client = new Ottla({ bootstrap: cluster.bootstrap });
const admin = client.admin();
await admin.createTopic({ name: topic, partitions: 1, replicationFactor: 3 });
const meter = new LibrdkafkaGaps(cluster.kafkaBootstrap.join(","), topic);
await meter.reached(200);
for (const alsoController of [false, true]) {
  const gaps: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const victim = await leaderThatIs(alsoController);
    await meter.reached(100);
    meter.reset();
    await cluster.killNode(victim);
    await meter.reached(200);
    gaps.push(meter.longestMs);
    await cluster.startNode(victim);
    await untilTrue(async () => (await describe()).inSyncReplicas.length === 3, 60_000, "three replicas in sync");
  }
  console.log(line(`longest gap, leader killed${alsoController ? " that was the controller leader too" : ""}`, gaps, "ms"));
}
await meter.stop();

/** Moves the partition to a node that leads the controllers, or does not. */
async function leaderThatIs(controller: boolean): Promise<number> {
  let leader = -1;
  await untilTrue(
    async () => {
      const { controllerId } = await admin.describeCluster();
      const partition = await describe();
      leader = partition.leader;
      if (controllerId < 0 || leader < 0) return false;
      if ((leader === controllerId) === controller) return true;
      const wanted = partition.inSyncReplicas.filter((nodeId) => (nodeId === controllerId) === controller);
      const replicas = [...wanted, ...partition.replicas.filter((nodeId) => !wanted.includes(nodeId))];
      await admin.reassignPartitions([{ topic, partition: 0, replicas }]);
      await admin.electLeaders([{ topic, partition: 0 }]).catch(() => {});
      return false;
    },
    60_000,
    `a leader that ${controller ? "leads" : "does not lead"} the controllers`,
  );
  return leader;
}

async function describe(): Promise<{ leader: number; inSyncReplicas: readonly number[]; replicas: readonly number[] }> {
  const [described] = await admin.describeTopics([topic]);
  const partition = described?.partitions[0];
  if (!partition) throw new Error(`Topic ${topic} has no partition 0`);
  return partition;
}
