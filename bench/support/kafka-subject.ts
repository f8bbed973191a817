import { join } from "node:path";
import { ClusterProcesses } from "../../scripts/support/cluster-processes.ts";
import { KafkaCluster } from "./kafka-cluster.ts";
import { KafkaProcess } from "./kafka-process.ts";
import { usage } from "./process-usage.ts";

/** What is synced before an acknowledgement: with `commit` all of it, with `os` nothing. */
export type Policy = "commit" | "os";

/** A fresh cluster of Ottla or of Kafka, reached through Kafka's protocol; everything that measures it is the same for both. */
export interface Subject extends AsyncDisposable {
  readonly bootstrap: string;
  readonly pids: readonly number[];
  /** Of topics, for Kafka to sync as the policy says. */
  readonly topicConfigs: Readonly<Record<string, string>>;
}

export interface SubjectOptions {
  readonly nodes: 1 | 3;
  readonly policy: Policy;
  readonly directory: string;
}

export async function ottla({ nodes, policy, directory }: SubjectOptions): Promise<Subject> {
  const settings = { "log.flush.policy": policy };
  const cluster = await ClusterProcesses.start({ directory: join(directory, `ottla-${Date.now()}`), nodes, settings });
  return {
    bootstrap: cluster.kafkaBootstrap.join(","),
    pids: cluster.running.map(({ pid }) => pid),
    topicConfigs: {},
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

/** @param libs the directory with its jars */
export async function kafka(libs: string, { nodes, policy, directory }: SubjectOptions): Promise<Subject> {
  const topicConfigs: Record<string, string> = policy === "commit" ? { "flush.messages": "1" } : {};
  const place = join(directory, "kafka");
  if (nodes === 1) {
    const node = await KafkaProcess.start(libs, place, { fresh: true });
    return { bootstrap: node.bootstrap, pids: [node.pid], topicConfigs, [Symbol.asyncDispose]: () => node.kill() };
  }
  const cluster = await KafkaCluster.start(libs, place);
  return { bootstrap: cluster.bootstrap, pids: cluster.pids, topicConfigs, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const used = await Promise.all(pids.map((pid) => usage(pid)));
  return used.reduce((sum, one) => sum + one.cpuSeconds, 0);
}
