// Three nodes from process start to the first acknowledged record with three replicas: a new cluster from the start of its last node, one that
// was stopped from the start of its second.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Ottla } from "@ottla/client";
import { ClusterProcesses } from "../scripts/support/cluster-processes.ts";
import { benchOptions } from "./support/options.ts";
import { line, machine } from "./support/report.ts";

const { rounds, directory } = await benchOptions();
const fresh: number[] = [];
const again: number[] = [];
console.log(machine());
for (let round = 0; round < rounds; round += 1) {
  await using cluster = await ClusterProcesses.plan({ directory: join(directory, String(round)) });
  await using ottla = new Ottla({ bootstrap: cluster.bootstrap });
  await using producer = ottla.producer({ lingerMs: 0 });
  const early = [cluster.startNode(1), cluster.startNode(2)];
  await delay(1_000);
  let startedMs = performance.now();
  const last = cluster.startNode(3);
  await ottla.admin().createTopic({ name: "first", partitions: 1, replicationFactor: 3 });
  await producer.send("first", { value: "record" });
  fresh.push(performance.now() - startedMs);
  await Promise.all([...early, last]);
  await cluster.stop();

  const first = cluster.startNode(1);
  await delay(1_000);
  startedMs = performance.now();
  const second = cluster.startNode(2);
  await producer.send("first", { value: "record" });
  again.push(performance.now() - startedMs);
  await Promise.all([first, second]);
}
console.log(line("new cluster, from the start of the last node to the first acknowledged record, RF 3, flush policy commit", fresh, "ms"));
console.log(line("restarted cluster, from the start of the second node", again, "ms"));
