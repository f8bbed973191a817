// A follower that missed 1 GiB: how long until it is in sync again while 20 MB/s are written; three nodes, RF 3, flush policy commit.
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine } from "./support/report.ts";
import { throughput } from "./support/run-ottla.ts";
import { untilTrue } from "./support/wait.ts";

const topic = "backlog";
const backlogRecords = 1 << 20;
const loadRecordsPerSecond = 20_000;
const { rounds, directory } = await benchOptions();
console.log(machine());
await using cluster = await ClusterProcesses.start({ directory });
await using ottla = new Ottla({ bootstrap: cluster.bootstrap });
const admin = ottla.admin();
await admin.createTopic({ name: topic, partitions: 6, replicationFactor: 3 });
const seconds: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const { controllerId } = await admin.describeCluster();
  const behind = cluster.nodeIds.find((nodeId) => nodeId !== controllerId);
  if (behind === undefined) throw new Error("Every node leads the controllers");
  await cluster.killNode(behind);
  await throughput(cluster.bootstrap, ["produce", "--topic", topic, "--records", String(backlogRecords), "--size", "1024"]);
  const paced = ["--rate", String(loadRecordsPerSecond), "--records", String(loadRecordsPerSecond * 40), "--size", "1024"];
  const load = throughput(cluster.bootstrap, ["produce", "--topic", topic, ...paced]);
  const startedMs = performance.now();
  await cluster.startNode(behind);
  await untilTrue(inSync, 120_000, "three replicas in sync");
  seconds.push((performance.now() - startedMs) / 1_000);
  await load;
}
console.log(line("1 GiB behind, back in sync under 20 MB/s, from the start of its process", seconds, "s", 1));
await cluster.stop();

async function inSync(): Promise<boolean> {
  const [described] = await admin.describeTopics([topic]);
  return described?.partitions.every(({ inSyncReplicas }) => inSyncReplicas.length === 3) ?? false;
}
