import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { KafkaProcess, randomClusterId } from "./kafka-process.ts";
import { untilTrue } from "./wait.ts";

const nodes = 3;

/** Three real Apache Kafka nodes, each controller and broker. */
export class KafkaCluster implements AsyncDisposable {
  readonly #running = new Map<number, KafkaProcess>();
  readonly #libs: string;
  readonly #directory: string;
  readonly #clusterId: string;

  private constructor(libs: string, directory: string) {
    this.#libs = libs;
    this.#directory = directory;
    this.#clusterId = randomClusterId(libs);
  }

  /** Resolves once all three brokers have registered. */
  static async start(libs: string, directory: string): Promise<KafkaCluster> {
    const cluster = new KafkaCluster(libs, directory);
    const nodeIds = Array.from({ length: nodes }, (_, at) => at + 1);
    await Promise.all(nodeIds.map((nodeId) => cluster.startNode(nodeId, true)));
    await untilTrue(() => cluster.#allRegistered(), 60_000, "Kafka's brokers to register");
    return cluster;
  }

  get bootstrap(): string {
    return [...this.#running.values()].map(({ bootstrap }) => bootstrap).join(",");
  }

  get pids(): number[] {
    return [...this.#running.values()].map(({ pid }) => pid);
  }

  async startNode(nodeId: number, fresh = false): Promise<void> {
    const options = { fresh, nodeId, nodes, clusterId: this.#clusterId };
    this.#running.set(nodeId, await KafkaProcess.start(this.#libs, join(this.#directory, `node-${nodeId}`), options));
  }

  async killNode(nodeId: number): Promise<void> {
    const node = this.#running.get(nodeId);
    if (!node) throw new Error(`Kafka's node ${nodeId} does not run`);
    this.#running.delete(nodeId);
    await node.kill();
  }

  /** Of partition 0. */
  async partition(topic: string): Promise<{ leader: number; isr: readonly number[] }> {
    const admin = new Kafka({ brokers: this.bootstrap.split(","), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.find(({ partitionId }) => partitionId === 0) ?? { leader: -1, isr: [] };
    } finally {
      await admin.disconnect();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((node) => node.stop()));
    this.#running.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((node) => node.kill()));
  }

  async #allRegistered(): Promise<boolean> {
    const admin = new Kafka({ brokers: this.bootstrap.split(","), logLevel: logLevel.NOTHING }).admin();
    try {
      await admin.connect();
      return (await admin.describeCluster()).brokers.length === nodes;
    } catch {
      return false;
    } finally {
      await admin.disconnect();
    }
  }
}
