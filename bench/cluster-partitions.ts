// 6 000 partitions with three replicas: how long after one node is killed until every partition has a leader that is alive, and one record is
// acknowledged in each that the dead node led.
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine } from "./support/report.ts";
import { untilTrue } from "./support/wait.ts";

const partitions = 6_000;
const topic = "many";
const { rounds, directory } = await benchOptions();
console.log(machine());
await using cluster = await ClusterProcesses.start({ directory });
await using ottla = new Ottla({ bootstrap: cluster.bootstrap });
const admin = ottla.admin();
const createdMs = performance.now();
await admin.createTopic({ name: topic, partitions, replicationFactor: 3 }, { timeoutMs: 120_000 });
await untilTrue(
  async () => (await describe()).every(({ inSyncReplicas, leader }) => leader > 0 && inSyncReplicas.length === 3),
  120_000,
  "all in sync",
);
console.log(`${partitions} partitions created in ${Math.round(performance.now() - createdMs)} ms`);
await using producer = ottla.producer({ lingerMs: 0 });
const seconds: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const { controllerId } = await admin.describeCluster();
  const victim = cluster.nodeIds.find((nodeId) => nodeId !== controllerId);
  if (victim === undefined) throw new Error("Every node leads the controllers");
  const led = (await describe()).flatMap(({ partition, leader }) => (leader === victim ? [partition] : []));
  const startedMs = performance.now();
  await cluster.killNode(victim);
  await Promise.all(led.map((partition) => producer.send(topic, { value: "after", partition })));
  seconds.push((performance.now() - startedMs) / 1_000);
  await cluster.startNode(victim);
  await untilTrue(async () => (await describe()).every(({ inSyncReplicas }) => inSyncReplicas.length === 3), 120_000, "all in sync again");
  await admin.electLeaders();
}
console.log(line(`one node of three killed with ${partitions} partitions, until a record is acknowledged in each it led`, seconds, "s", 2));
await cluster.stop();

async function describe(): Promise<readonly { partition: number; leader: number; inSyncReplicas: readonly number[] }[]> {
  const [described] = await admin.describeTopics([topic]);
  if (!described) throw new Error(`Topic ${topic} is gone`);
  return described.partitions;
}
