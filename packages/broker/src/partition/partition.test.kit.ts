import { memoryHost, type MemoryHost, silentLogger } from "@ottla/host";
import { LogDirectory } from "@ottla/log";
import { decodeBatchSync, encodeBatchSync, type NodeConfig, type pb, testConfig, topicSettings, type Uuid } from "@ottla/protocol";
import { TopicTraffic } from "../metrics/traffic.ts";
import { Timeouts } from "../timeouts.ts";
import { Partition } from "./partition.ts";
import type { PartitionPeers, PartitionSurroundings } from "./surroundings.ts";

export const topicId = "000102030405060708090a0b0c0d0e0f" as Uuid;
export const NODE = 1;

export interface Rig {
  readonly host: MemoryHost;
  readonly partition: Partition;
  readonly directory: LogDirectory;
  readonly around: PartitionSurroundings;
  readonly fatal: Error[];
  /** Runs virtual time until the promise settles. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Ends this life: in order, or by a power failure that keeps what was synced. */
  close(): Promise<void>;
}

/** A cluster of one. */
export const nobody: PartitionPeers = {
  brokerEpoch: () => 7,
  mayJoin: () => false,
  propose: () => {},
  follow: () => {},
  unfollow: () => {},
  progressed: () => {},
  attachAgain: () => {},
  truncated: () => {},
  changed: () => {},
};

export interface RigOptions {
  readonly overrides?: Readonly<Record<string, string>>;
  readonly config?: Partial<NodeConfig>;
  readonly record?: Partial<pb.PartitionRecord>;
}

/** One partition on a simulated machine, led by this node unless the record says otherwise. */
export async function openRig(host: MemoryHost = memoryHost(), options: RigOptions = {}): Promise<Rig> {
  const run = <T>(promise: Promise<T>): Promise<T> => host.clock.run(promise);
  const fatal: Error[] = [];
  const config = testConfig(options.config);
  const directory = await run(
    LogDirectory.open({
      disk: host.disk,
      clock: host.clock,
      random: host.random,
      directory: "/data/log",
      cacheBytes: 1 << 20,
      maxOpenFiles: 100,
      minFreeBytes: 8 << 20,
      logger: silentLogger,
      onFatal: (error) => fatal.push(error),
    }),
  );
  const timeouts = new Timeouts(host.clock);
  const around: PartitionSurroundings = {
    nodeId: NODE,
    clock: host.clock,
    disk: host.disk,
    codecs: host.codecs,
    timeouts,
    directory,
    logger: silentLogger,
    producerExpirationMs: config.producerIdExpirationMs,
    lagMaxMs: config.replicaLagTimeMaxMs,
    peers: nobody,
  };
  const settings = topicSettings(config, new Map(Object.entries(options.overrides ?? {})));
  const partition = await run(
    Partition.open({ topicId, index: 0, topicName: "orders", settings, traffic: new TopicTraffic("orders"), onFailed: () => {} }, around),
  );
  partition.lead(recordOf(options.record));
  return {
    host,
    partition,
    directory,
    around,
    fatal,
    run,
    close: async () => {
      await run(partition.settle());
      await run(directory.close());
      timeouts.close();
    },
  };
}

export function recordOf(partial: Partial<pb.PartitionRecord> = {}): pb.PartitionRecord {
  return {
    topicId: new Uint8Array(16),
    partition: 0,
    replicas: [NODE],
    isr: [NODE],
    elr: [],
    leader: NODE,
    leaderEpoch: 3,
    partitionEpoch: 0,
    leaderBrokerEpoch: 7,
    adding: [],
    removing: [],
    lastEligible: [],
    addingRate: 0,
    reports: [],
    ...partial,
  };
}

export interface BatchOptions {
  readonly producerId?: number;
  readonly epoch?: number;
  readonly sequence?: number;
  readonly count?: number;
  readonly timestamp?: number;
  readonly value?: string;
  readonly isTransactional?: boolean;
}

export function batchOf(host: MemoryHost, options: BatchOptions = {}): Uint8Array {
  const { count = 1, timestamp = host.clock.wallMs(), value = "v" } = options;
  const records = Array.from({ length: count }, (_, i) => ({ key: null, value: Buffer.from(`${value}${i}`), timestamp: timestamp + i }));
  const producer =
    options.producerId === undefined
      ? {}
      : { producerId: options.producerId, producerEpoch: options.epoch ?? 0, baseSequence: options.sequence ?? 0 };
  return encodeBatchSync(records, { ...producer, ...(options.isTransactional ? { isTransactional: true } : {}) });
}

export async function valuesOf(rig: Rig, from = 0): Promise<{ offset: number; value: string }[]> {
  const values: { offset: number; value: string }[] = [];
  const { partition } = rig;
  for (let offset = from; offset < partition.highWatermark;) {
    const { parts, nextOffset } = await rig.run(partition.read(offset, partition.highWatermark, 1 << 20));
    for (const part of parts) {
      for (let at = 0; at < part.length;) {
        const size = new DataView(part.buffer, part.byteOffset + at).getInt32(8) + 12;
        for (const record of decodeBatchSync(part.subarray(at, at + size)))
          values.push({ offset: record.offset, value: Buffer.from(record.value ?? []).toString() });
        at += size;
      }
    }
    offset = nextOffset;
  }
  return values;
}
