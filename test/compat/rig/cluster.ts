import { kafkajs } from "../clients/kafkajs.ts";
import { librdkafka } from "../clients/librdkafka.ts";
import type { Place, Session, TopicShape } from "../client.ts";
import type { Codec, Sent, Stored } from "../record.ts";
import { able } from "../features/feature.ts";
import { untilAnswered, untilEqual } from "./until.ts";

/** Processes that can be killed and started again, by node id. */
export interface Nodes extends AsyncDisposable {
  readonly bootstrap: string;
  /** Null: they are not ours to kill. */
  readonly power: { kill(nodeId: number): Promise<void>; start(nodeId: number): Promise<void> } | null;
}

let topics = 0;

/** The cluster under test, and two clients that look after what the one under test does: librdkafka for records, kafkajs for the rest. */
export class Cluster implements AsyncDisposable {
  readonly #nodes: Nodes;
  readonly #records: Session;
  readonly #admin: Session;
  #killed: number | null = null;

  private constructor(nodes: Nodes, records: Session, admin: Session) {
    this.#nodes = nodes;
    this.#records = records;
    this.#admin = admin;
  }

  static async open(nodes: Nodes): Promise<Cluster> {
    return new Cluster(nodes, await librdkafka.open(nodes.bootstrap), await kafkajs.open(nodes.bootstrap));
  }

  get bootstrap(): string {
    return this.#nodes.bootstrap;
  }

  freshName(): string {
    topics += 1;
    return `compat-${process.pid}-${Date.now().toString(36)}-${topics}`;
  }

  /** A topic with as many replicas as there are nodes. */
  async topic(partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = this.freshName();
    await able(this.#admin.createTopic)(name, partitions, configs);
    // Another broker, or one that is busy, may hear of it a little later.
    await untilEqual(async () => (await this.describeTopic(name)).partitions.filter(({ leader }) => leader >= 0).length, partitions);
    return name;
  }

  async write(to: Place, records: AsyncIterable<Sent> | Iterable<Sent>): Promise<void> {
    await able(this.#records.produce)(to, records, { idempotent: true });
  }

  async writeCompressed(to: Place, records: Iterable<Sent>, codec: Codec): Promise<void> {
    await able(this.#admin.produce)(to, records, { codec });
  }

  async readAll(from: Place): Promise<Stored[]> {
    const offsetAt = able(this.#records.offsetAt);
    const [first, end] = [await untilAnswered(() => offsetAt(from, "earliest")), await untilAnswered(() => offsetAt(from, "latest"))];
    return first === end ? [] : able(this.#records.read)(from, { offset: first }, end - first);
  }

  async nodeIds(): Promise<number[]> {
    return [...(await able(this.#admin.cluster)()).nodeIds].toSorted();
  }

  async clusterId(): Promise<string | null> {
    return (await able(this.#admin.cluster)()).clusterId;
  }

  listTopics(): Promise<string[]> {
    return able(this.#admin.listTopics)();
  }

  topicConfigs(topic: string): Promise<Readonly<Record<string, string>>> {
    return able(this.#admin.topicConfigs)(topic);
  }

  describeTopic(topic: string): Promise<TopicShape> {
    return able(this.#admin.describeTopic)(topic);
  }

  /** Kills the node that leads the partition, SIGKILL. */
  async killLeader(of: Place): Promise<void> {
    if (this.#killed !== null) throw new Error(`Node ${this.#killed} is dead already`);
    const leader = await this.#leader(of);
    this.#killed = leader;
    await this.#nodes.power?.kill(leader);
  }

  /** Resolves once another node leads. */
  async untilLed(of: Place): Promise<void> {
    const killed = this.#killed;
    await untilEqual(async () => [-1, killed].includes(await this.#leader(of)), false);
  }

  /** Starts what was killed and waits until it holds all of the partition again. */
  async revive(of: Place): Promise<void> {
    const killed = this.#killed;
    if (killed === null) return;
    this.#killed = null;
    await this.#nodes.power?.start(killed);
    await untilEqual(async () => (await this.describeTopic(of.topic)).partitions[of.partition]?.inSync.includes(killed), true);
  }

  /** A check that failed half-way leaves nothing dead behind. */
  async heal(): Promise<void> {
    const killed = this.#killed;
    this.#killed = null;
    if (killed !== null) await this.#nodes.power?.start(killed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#records[Symbol.asyncDispose](), this.#admin[Symbol.asyncDispose]()]);
    await this.#nodes[Symbol.asyncDispose]();
  }

  async #leader({ topic, partition }: Place): Promise<number> {
    return (await this.describeTopic(topic)).partitions[partition]?.leader ?? -1;
  }
}
