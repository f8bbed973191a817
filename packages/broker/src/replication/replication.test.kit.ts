import { type Listener, type Logger, memoryHost, type MemoryHost, silentLogger } from "@ottla/host";
import { LogDirectory } from "@ottla/log";
import { ClusterImage } from "@ottla/metadata";
import {
  encodeBatchSync,
  errors,
  type NodeConfig,
  pb,
  ProtocolError,
  testConfig,
  type Uuid,
  uuidFromBytes,
  uuidToBytes,
} from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import { Partitions } from "../partition/partitions.ts";
import { Timeouts } from "../timeouts.ts";
import { Replication } from "./replication.ts";

export const topicId = "000102030405060708090a0b0c0d0e0f" as Uuid;
const PORT = 9095;

/** The brokers of one cluster, each with partitions and replication on a machine of its own, and controllers that the test plays. */
export class ReplicationCluster {
  readonly nodes = new Map<number, TestNode>();
  readonly truncations: pb.Truncation[] = [];
  /** Leaders that named themselves as damaged. */
  readonly resigned: { nodeId: number; isr: number[] }[] = [];
  readonly told: { level: string; message: string; fields: object }[] = [];
  readonly #config: Partial<NodeConfig>;
  readonly #first: MemoryHost;
  #index = 1;
  #history: pb.MetadataRecord[] = [];
  #records = new Map<string, pb.PartitionRecord>();
  /** Brokers that hear of no news. */
  readonly deaf = new Set<number>();
  /** What leaders ask the controllers is lost. */
  unreachable = false;

  private constructor(config: Partial<NodeConfig>) {
    this.#config = config;
    this.#first = memoryHost({ hostName: "n1" });
  }

  static async start(count: number, config: Partial<NodeConfig> = {}): Promise<ReplicationCluster> {
    const cluster = new ReplicationCluster(config);
    for (let nodeId = 1; nodeId <= count; nodeId++) {
      const host = nodeId === 1 ? cluster.#first : memoryHost({ beside: cluster.#first, hostName: `n${nodeId}`, seed: nodeId });
      await cluster.boot(nodeId, host);
    }
    return cluster;
  }

  get clock(): MemoryHost["clock"] {
    return this.#first.clock;
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.clock.run(promise);
  }

  until(predicate: () => boolean, limitMs = 60_000): Promise<void> {
    return this.clock.runUntil(predicate, limitMs);
  }

  /** The first life of a node, or its next one. */
  async boot(nodeId: number, host: MemoryHost): Promise<TestNode> {
    const node = await TestNode.start(this, nodeId, host, this.#config);
    this.nodes.set(nodeId, node);
    node.apply([...this.#history], true, this.#index);
    const brokerEpoch = this.commit({
      case: "broker",
      value: pb.BrokerRecord.create({
        nodeId,
        brokerEpoch: this.#index + 1,
        incarnation: node.incarnation,
        directoryId: uuidToBytes(node.directory.directoryId),
        endpoints: [{ listener: "NODE", host: host.network.hostName, port: PORT }],
      }),
    });
    node.partitions.brokerEpoch = brokerEpoch;
    node.brokerEpoch = brokerEpoch;
    return node;
  }

  /** Its power goes; the others notice. */
  crash(nodeId: number, keep: "none" | "all" = "none"): MemoryHost {
    const { host } = this.node(nodeId);
    for (const other of this.nodes.values()) if (other.nodeId !== nodeId) other.host.network.reset(host.network.hostName);
    host.crash({ keep });
    this.nodes.delete(nodeId);
    return host;
  }

  /** The controllers have given a broker up. */
  fence(nodeId: number): void {
    const broker = [...this.nodes.values()][0]?.image.brokers.get(nodeId);
    if (broker === undefined) throw new Error(`broker ${nodeId} was never registered`);
    this.commit({ case: "broker", value: { ...broker, fenced: true } });
  }

  node(nodeId: number): TestNode {
    const node = this.nodes.get(nodeId);
    if (node === undefined) throw new Error(`node ${nodeId} does not run`);
    return node;
  }

  partition(nodeId: number, index = 0): Partition {
    const partition = this.node(nodeId).partitions.get(topicId, index);
    if (partition === undefined) throw new Error(`node ${nodeId} holds no partition ${index}`);
    return partition;
  }

  record(index = 0): pb.PartitionRecord {
    const record = this.#records.get(`${topicId}-${index}`);
    if (record === undefined) throw new Error(`there is no partition ${index}`);
    return record;
  }

  commit(...records: pb.MetadataRecord["record"][]): number {
    const index = ++this.#index;
    const wrapped = records.map((record) => ({ record }));
    this.#history.push(...wrapped);
    for (const record of records)
      if (record.case === "partition") this.#records.set(`${uuidFromBytes(record.value.topicId)}-${record.value.partition}`, record.value);
    for (const node of this.nodes.values()) if (!this.deaf.has(node.nodeId)) node.apply(wrapped, false, index);
    return index;
  }

  async createTopic(
    partitions: readonly (Partial<pb.PartitionRecord> & { replicas: number[] })[],
    configs: Record<string, string> = {},
  ): Promise<void> {
    this.commit(
      { case: "topic", value: { topicId: uuidToBytes(topicId), name: "orders" } },
      ...Object.entries(configs).map(([name, value]): pb.MetadataRecord["record"] => ({
        case: "config",
        value: { resourceType: 2, resource: topicId, name, value },
      })),
      ...partitions.map((partial, index): pb.MetadataRecord["record"] => {
        const leader = partial.leader ?? partial.replicas[0] ?? -1;
        const value = pb.PartitionRecord.create({
          isr: partial.replicas,
          ...partial,
          topicId: uuidToBytes(topicId),
          partition: index,
          leader,
        });
        return { case: "partition", value: { ...value, leaderBrokerEpoch: this.#epochOf(leader) } };
      }),
    );
    await this.until(() =>
      partitions.every(
        ({ leader, replicas }, index) => this.nodes.get(leader ?? replicas[0] ?? -1)?.partitions.get(topicId, index)?.role === "leader",
      ),
    );
  }

  change(changes: Partial<pb.PartitionRecord>, index = 0): void {
    const before = this.record(index);
    this.commit({ case: "partition", value: { ...before, partitionEpoch: before.partitionEpoch + 1, ...changes } });
  }

  elect(leader: number, isr: number[], index = 0): void {
    this.change({ leader, isr, leaderEpoch: this.record(index).leaderEpoch + 1, leaderBrokerEpoch: this.#epochOf(leader) }, index);
  }

  /** P10 */
  async alter(nodeId: number, { partitions }: pb.AlterPartitionsCommand): Promise<pb.AlterPartitionsReply> {
    if (this.unreachable) throw new ProtocolError("REQUEST_TIMED_OUT", "the controllers are away");
    const answers = partitions.map((asked): pb.AlteredPartition => {
      const before = this.record(asked.partition);
      const fail = (error: keyof typeof errors): pb.AlteredPartition => ({
        ...asked,
        errorCode: errors[error].code,
        errorMessage: error,
        partitionEpoch: 0,
      });
      if (before.leader !== nodeId) return fail("NOT_LEADER_OR_FOLLOWER");
      if (before.leaderEpoch !== asked.leaderEpoch) return fail("FENCED_LEADER_EPOCH");
      if (before.partitionEpoch !== asked.partitionEpoch) return fail("INVALID_UPDATE_VERSION");
      if (asked.isr.some((member) => this.#epochOf(member.nodeId) !== member.brokerEpoch)) return fail("INELIGIBLE_REPLICA");
      if (asked.damaged.includes(nodeId)) {
        const isr = asked.isr.map((member) => member.nodeId);
        this.resigned.push({ nodeId, isr });
        this.elect(isr[0] ?? -1, isr, asked.partition);
        return { ...asked, errorCode: 0, errorMessage: "", partitionEpoch: before.partitionEpoch + 1 };
      }
      this.change({ isr: asked.isr.map((member) => member.nodeId) }, asked.partition);
      return { ...asked, errorCode: 0, errorMessage: "", partitionEpoch: before.partitionEpoch + 1 };
    });
    return { partitions: answers };
  }

  logger(nodeId: number): Logger {
    const tell =
      (level: string) =>
      (fields: object, message: string): void => {
        this.told.push({ level, message, fields: { nodeId, ...fields } });
      };
    return { ...silentLogger, info: tell("info"), warn: tell("warn"), error: tell("error") };
  }

  #epochOf(nodeId: number): number {
    return this.nodes.get(nodeId)?.brokerEpoch ?? -1;
  }
}

export class TestNode {
  readonly nodeId: number;
  readonly host: MemoryHost;
  readonly image: ClusterImage;
  readonly directory: LogDirectory;
  readonly partitions: Partitions;
  readonly replication: Replication;
  readonly incarnation: Uint8Array;
  readonly fatal: Error[];
  readonly found: pb.DamagedReplica[];
  brokerEpoch = -1;

  private constructor(parts: Omit<TestNode, "apply" | "brokerEpoch">) {
    this.nodeId = parts.nodeId;
    this.host = parts.host;
    this.image = parts.image;
    this.directory = parts.directory;
    this.partitions = parts.partitions;
    this.replication = parts.replication;
    this.incarnation = parts.incarnation;
    this.fatal = parts.fatal;
    this.found = parts.found;
  }

  static async start(cluster: ReplicationCluster, nodeId: number, host: MemoryHost, overrides: Partial<NodeConfig>): Promise<TestNode> {
    const { clock, disk, codecs, random, network } = host;
    const config = testConfig({ minInsyncReplicas: 2, ...overrides });
    const logger = cluster.logger(nodeId);
    const fatal: Error[] = [];
    const directory = await clock.run(
      LogDirectory.open({
        disk,
        clock,
        random,
        directory: "/data/log",
        cacheBytes: config.logCacheBytes,
        maxOpenFiles: 100,
        minFreeBytes: 0,
        logger,
        onFatal: (error) => fatal.push(error),
      }),
    );
    const image = new ClusterImage();
    const timeouts = new Timeouts(clock);
    const incarnation = random.uuid();
    const replication: Replication = new Replication({
      nodeId,
      clock,
      logger,
      image,
      find: (id, index) => partitions.get(id, index),
      attributes: () => ({ "ottla-node-id": String(nodeId), "ottla-incarnation": uuidFromBytes(incarnation) }),
      dialNode: (address, _expected, service, attributes, signal) =>
        network.dial(address, service, { attributes, maxFrameBytes: 4 << 20, signal }),
      alterPartitions: (value) => cluster.alter(nodeId, value),
      reportTruncations: async ({ truncations }) => {
        cluster.truncations.push(...truncations);
      },
    });
    const partitions = new Partitions(
      {
        nodeId,
        clock,
        disk,
        codecs,
        timeouts,
        directory,
        logger,
        producerExpirationMs: config.producerIdExpirationMs,
        lagMaxMs: config.replicaLagTimeMaxMs,
        peers: replication,
      },
      config,
      image,
    );
    const found = await clock.run(partitions.openFound());
    const listening: Listener = await network.listen({ host: network.hostName, port: PORT }, [replication.service], {
      maxFrameBytes: 4 << 20,
      maxSessions: 100,
    });
    if (listening.address.port !== PORT) throw new Error("another port");
    return new TestNode({ nodeId, host, image, directory, partitions, replication, incarnation, fatal, found });
  }

  apply(records: pb.MetadataRecord[], snapshot: boolean, index: number): void {
    const delta = { snapshot, complete: true, part: 0, index, term: 1, controllerId: 1, records };
    void this.partitions.follow(this.image.apply(pb.MetadataDelta.decode(pb.MetadataDelta.encode(delta))));
  }
}

export interface Produced {
  readonly offset: number;
  /** undefined while it waits. */
  outcome: string | undefined;
}

/** Produces one batch and notes how it ends: "acknowledged", or the name of the error. */
export function produce(
  partition: Partition,
  value: string,
  options: { acks?: number; timeoutMs?: number; producerId?: number; sequence?: number; count?: number; valueBytes?: number } = {},
): Produced {
  const { acks = -1, timeoutMs = 30_000, producerId, sequence = 0, count = 1, valueBytes = 0 } = options;
  const records = Array.from({ length: count }, () => ({ key: null, value: Buffer.from(value.padEnd(valueBytes, ".")), timestamp: 1_000 }));
  const batch = encodeBatchSync(records, producerId === undefined ? {} : { producerId, producerEpoch: 0, baseSequence: sequence });
  const { baseOffset, acknowledged } = partition.produce(batch, acks, timeoutMs, 1_000);
  const produced: Produced = { offset: baseOffset, outcome: undefined };
  void acknowledged.then((error) => (produced.outcome = error === null ? "acknowledged" : error.error));
  return produced;
}

/** Every byte of a log, from its start. */
export async function bytesOf(cluster: ReplicationCluster, { log }: Partition, until = log.endOffset): Promise<string> {
  const parts: Uint8Array[] = [];
  for (let from = log.startOffset; from < until;) {
    const read = await cluster.run(log.read({ from, until, maxBytes: 1 << 20 }));
    if (read.nextOffset === from) break;
    parts.push(...read.parts);
    from = read.nextOffset;
  }
  return Buffer.concat(parts).toString("latin1");
}
