import { memoryHost, type MemoryHost } from "@ottla/host";
import { decodeBatch, errors, ProtocolError, uuidFromBytes, type ErrorName, type Uuid } from "@ottla/protocol";
import { Ottla, type OttlaOptions } from "../ottla.ts";
import { FakeBroker, type Fault } from "./fake-broker.test.kit.ts";
import { FakePartition } from "./fake-partition.test.kit.ts";

export interface FakeTopic {
  readonly name: string;
  readonly id: Uint8Array;
  partitions: FakePartition[];
  readonly configs: Map<string, string>;
}

export interface Committed {
  topic: Uuid;
  partition: number;
  offset: number;
  leaderEpoch: number;
  metadata: string;
}

/** Brokers with logs in memory, and what shall go wrong with them. */
export class FakeCluster implements AsyncDisposable {
  /** Where clients run. */
  readonly host: MemoryHost;
  readonly brokers = new Map<number, FakeBroker>();
  readonly topics = new Map<string, FakeTopic>();
  readonly groups = new Map<string, Committed[]>();
  /** Asked for each produce request in the order of arrival. */
  onProduce: (broker: number, requests: number) => Fault | undefined = () => undefined;
  /** Asked for each fetched partition. */
  onFetch: (topic: string, partition: number) => ErrorName | undefined = () => undefined;
  onCall: (name: string) => ErrorName | "silent" | undefined = () => undefined;
  producerIds = 0;
  readonly calls: string[] = [];
  readonly #clients: Ottla[] = [];

  private constructor(seed: number) {
    this.host = memoryHost({ seed, hostName: "client" });
  }

  static async start({ brokers = 1, seed = 1 }: { brokers?: number; seed?: number } = {}): Promise<FakeCluster> {
    const cluster = new FakeCluster(seed);
    for (let nodeId = 1; nodeId <= brokers; nodeId++) {
      const host = memoryHost({ seed: seed + nodeId, hostName: `broker${nodeId}`, beside: cluster.host });
      cluster.brokers.set(nodeId, await FakeBroker.start(cluster, nodeId, host));
    }
    return cluster;
  }

  get clock(): MemoryHost["clock"] {
    return this.host.clock;
  }

  client(options: Partial<OttlaOptions> = {}): Ottla {
    const client = new Ottla({ bootstrap: ["broker1:9093"], host: this.host, ...options });
    this.#clients.push(client);
    return client;
  }

  /** Lets virtual time pass until the promise settles. */
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.clock.run(promise, limitMs);
  }

  addTopic(name: string, partitions = 1): FakeTopic {
    const nodes = [...this.brokers.keys()];
    const topic: FakeTopic = {
      name,
      id: this.host.random.uuid(),
      partitions: Array.from({ length: partitions }, (_, index) => new FakePartition(nodes[index % nodes.length] ?? 1)),
      configs: new Map(),
    };
    this.topics.set(name, topic);
    return topic;
  }

  partition(name: string, partition = 0): FakePartition {
    const found = this.topics.get(name)?.partitions[partition];
    if (found === undefined) throw new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION", `${name}-${partition}`);
    return found;
  }

  /** The values in the log, as text. */
  async values(name: string, partition = 0): Promise<string[]> {
    const decoded = await Promise.all(this.partition(name, partition).batches.map(({ bytes }) => decodeBatch(bytes, 0, this.host.codecs)));
    return decoded.flat().map(({ value }) => (value === null ? "" : Buffer.from(value).toString()));
  }

  byId(id: Uint8Array): FakeTopic | undefined {
    const wanted = uuidFromBytes(id);
    return [...this.topics.values()].find((topic) => uuidFromBytes(topic.id) === wanted);
  }

  /** Hands the partition to another broker. */
  move(partition: FakePartition, leader: number): void {
    partition.leader = leader;
    partition.leaderEpoch++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await this.run(client.close());
  }
}

export function codeOf(error: ErrorName): number {
  return errors[error].code;
}
