import { addresses, voters } from "./addresses.ts";
import { flushPolicy } from "./flush-policy.ts";
import { bool, int, list, long, oneOf, string } from "./kinds.ts";
import { BadValue, type ValuesOf } from "./setting.ts";

const minute = 60_000;
const hour = 60 * minute;
const KiB = 1024;
const MiB = 1024 * KiB;

export const maxBatchBytes = 64 * MiB;

function roles(items: readonly string[]): void {
  const unknown = items.find((item) => item !== "controller" && item !== "broker");
  if (unknown !== undefined) throw new BadValue(`has the role "${unknown}"; the roles are controller and broker`);
  if (items.length !== 2 || items[0] === items[1]) {
    throw new BadValue("must be controller,broker: this version runs a cluster of one node, which has both roles");
  }
}

/** Every setting of a node. The key in camel case gives Kafka's dotted name. */
export const nodeSettings = {
  processRoles: list({
    default: ["controller", "broker"],
    allowed: "controller,broker",
    check: roles,
    doc: "What this node does for its cluster. A cluster of one node has both roles.",
  }),
  nodeId: int({
    default: 1,
    doc: "The number of this node in its cluster. Written into the data directory at the first start; a directory of another node is refused.",
  }),
  controllerQuorumVoters: voters({
    default: [],
    defaultText: "<node.id>@localhost:9095",
    doc: "The nodes that vote in the controller quorum: node id, host and port of each. One voter, this node.",
  }),
  dataDir: string({
    default: "./ottla-data",
    allowEmpty: false,
    doc: "The directory that holds everything this node keeps. Relative to the working directory.",
  }),

  grpcListeners: addresses({
    default: [{ host: "127.0.0.1", port: 9093 }],
    names: ["GRPC", "PLAINTEXT"],
    use: "listen",
    allowEmpty: false,
    doc: "Where clients are accepted. Loopback by default, because there is no encryption and no authentication; 0.0.0.0:9093 opens it to the network. Port 0 picks a free one.",
  }),
  grpcAdvertisedListeners: addresses({
    default: [],
    defaultText: "(none)",
    names: ["GRPC", "PLAINTEXT"],
    use: "advertise",
    allowEmpty: true,
    doc: "The addresses under which clients reach this node when they differ from grpc.listeners: behind a container's port mapping or a proxy. Without it the address that the client dialled is answered.",
  }),
  httpListeners: addresses({
    default: [{ host: "127.0.0.1", port: 9094 }],
    names: ["HTTP", "PLAINTEXT"],
    use: "listen",
    allowEmpty: true,
    doc: "Where /healthz, /readyz and /metrics answer. Nothing: not at all. Port 0 picks a free one.",
  }),
  brokerRack: string({ default: "", allowEmpty: true, doc: "The rack or zone that this node stands in, told to clients." }),
  maxConnections: int({ default: 10_000, min: 1, doc: "Client connections held at once; a further one is refused." }),
  connectionsMaxIdleMs: long({
    default: 10 * minute,
    min: 1000,
    max: 2_147_483_647,
    doc: "A client connection on which nothing was said for so many milliseconds is closed.",
  }),
  grpcMaxMessageBytes: int({
    default: 8 * MiB,
    min: 64 * KiB,
    max: 128 * MiB,
    doc: "The largest gRPC message, in bytes. At least 64 KiB above message.max.bytes.",
  }),
  queuedMaxRequestBytes: long({
    default: 256 * MiB,
    min: MiB,
    doc: "Bytes of requests that may wait inside the node; above it nothing more is read from clients. At least grpc.max.message.bytes.",
  }),
  fetchMaxBytes: int({
    default: 50 * MiB,
    min: KiB,
    doc: "The most bytes that one fetch is answered with, whatever the client allows. A first batch that is larger is sent whole.",
  }),
  shutdownTimeoutMs: long({
    default: 30_000,
    min: 100,
    max: 2_147_483_647,
    doc: "How long a node that is told to stop may take to end in order, in milliseconds.",
  }),
  logLevel: oneOf(["debug", "info", "warn", "error", "silent"], { default: "info", doc: "The least severe message that is logged." }),

  numPartitions: int({ default: 1, min: 1, max: 10_000, doc: "Partitions of a topic that is created without a number." }),
  defaultReplicationFactor: int({
    default: -1,
    min: -1,
    max: 32_767,
    except: 0,
    minMeans: "automatic: as many as there are nodes, at most 3",
    doc: "Copies of each partition of a topic that is created without a number.",
  }),
  minInsyncReplicas: int({
    default: -1,
    min: -1,
    except: 0,
    minMeans: "automatic: the majority of the replication factor",
    doc: "How many replicas must hold a record before it is acknowledged to a producer with acks=all.",
  }),
  autoCreateTopicsEnable: bool({ default: true, doc: "Whether a client that asks for a missing topic may have it created." }),
  messageMaxBytes: int({
    default: MiB + 12,
    min: 0,
    max: maxBatchBytes,
    doc: "The largest record batch, in bytes, as it is sent (compressed).",
  }),

  logSegmentBytes: int({ default: 1024 * MiB, min: KiB, doc: "Bytes of a segment file before the next is begun." }),
  logRollMs: long({
    default: 168 * hour,
    min: 1,
    coarser: [{ name: "log.roll.hours", factor: hour }],
    doc: "Age in milliseconds at which the next segment is begun even when the last is not full.",
  }),
  logRetentionMs: long({
    default: 168 * hour,
    min: -1,
    except: 0,
    minMeans: "for ever",
    coarser: [
      { name: "log.retention.minutes", factor: minute },
      { name: "log.retention.hours", factor: hour },
    ],
    doc: "Segments whose newest record is older than so many milliseconds are deleted.",
  }),
  logRetentionBytes: long({
    default: -1,
    min: -1,
    minMeans: "no limit",
    doc: "The oldest segments of a partition are deleted while it holds more bytes than this.",
  }),
  logRetentionCheckIntervalMs: long({
    default: 5 * minute,
    min: 1,
    max: 2_147_483_647,
    doc: "Time between two looks for segments to delete, in milliseconds.",
  }),
  logFlushPolicy: flushPolicy({
    default: { kind: "commit" },
    doc: "When records are synced to the disk. commit: before they are acknowledged. interval:<ms>: so often; a power failure may take what was acknowledged since. os: when the operating system likes.",
  }),
  logIndexIntervalBytes: int({ default: 4096, min: 0, doc: "Bytes of log between two entries of the offset index." }),
  logMessageTimestampType: oneOf(["CreateTime", "LogAppendTime"], {
    default: "CreateTime",
    doc: "Whether a record keeps the time its producer gave it or gets the time of its append.",
  }),
  logMessageTimestampBeforeMaxMs: long({
    default: Number.MAX_SAFE_INTEGER,
    doc: "How many milliseconds a record's own timestamp may lie before the broker's clock.",
  }),
  logMessageTimestampAfterMaxMs: long({
    default: hour,
    doc: "How many milliseconds a record's own timestamp may lie after the broker's clock.",
  }),
  logMinFreeBytes: long({
    default: -1,
    min: -1,
    minMeans: "automatic: 2 % of the file system, at least 8 MiB and at most 256 MiB",
    doc: "Free bytes on the file system of data.dir below which writes are refused while reads go on.",
  }),
  logCacheBytes: long({
    default: 12 * MiB,
    max: 64 * 1024 * MiB,
    doc: "Memory that holds the most recent batches of all partitions, in bytes; 0 for none.",
  }),
  logOpenFilesMax: int({
    default: 1000,
    min: 16,
    max: 1_000_000,
    doc: "Segment files held open at once; others are opened when they are needed.",
  }),

  offsetsRetentionMinutes: int({
    default: 7 * 24 * 60,
    min: 1,
    doc: "A committed offset is forgotten so many minutes after the last commit of its group for the partition.",
  }),
  offsetsRetentionCheckIntervalMs: long({
    default: 10 * minute,
    min: 1,
    max: 2_147_483_647,
    doc: "Time between two looks for committed offsets to forget, in milliseconds.",
  }),
  offsetMetadataMaxBytes: int({
    default: 4096,
    min: 0,
    max: 1_000_000,
    doc: "The longest text that may be committed with an offset, in bytes.",
  }),
  producerIdExpirationMs: long({
    default: 24 * hour,
    min: 1,
    doc: "The sequence of an idempotent producer is forgotten so many milliseconds after its last batch in a partition.",
  }),

  controllerHeartbeatIntervalMs: long({
    default: 100,
    min: 10,
    max: 60_000,
    doc: "Time between two heartbeats of the controller leader to the other voters, in milliseconds.",
  }),
  controllerElectionTimeoutMs: long({
    default: 1000,
    min: 50,
    max: 600_000,
    doc: "A voter that hears no leader for this long, up to twice as long, stands for election, in milliseconds. At least twice controller.heartbeat.interval.ms.",
  }),
  controllerLogCheckpointRecords: int({
    default: 10_000,
    min: 1,
    doc: "The controller writes a checkpoint of its state every so many records.",
  }),
  brokerHeartbeatIntervalMs: long({
    default: 500,
    min: 10,
    max: 60_000,
    doc: "Time between two heartbeats of a broker to the controller leader, in milliseconds.",
  }),
  brokerSessionTimeoutMs: long({
    default: 2500,
    min: 50,
    max: 600_000,
    doc: "A broker silent for so many milliseconds is fenced. At least twice broker.heartbeat.interval.ms.",
  }),
} as const;

/** The settings of one node by the camel-case form of their names; durations in milliseconds, sizes in bytes. */
export interface NodeConfig extends ValuesOf<typeof nodeSettings> {}

export type NodeKey = keyof NodeConfig;

export function nodeDefaults(): NodeConfig {
  const defaults = Object.fromEntries(
    Object.entries(nodeSettings).map(([key, setting]) => [key, setting.default]),
  ) as unknown as NodeConfig;
  return withDerivedDefaults(defaults);
}

/** Fills in what follows from other settings when it was not set. */
export function withDerivedDefaults(config: NodeConfig): NodeConfig {
  if (config.controllerQuorumVoters.length > 0) return config;
  return { ...config, controllerQuorumVoters: [{ nodeId: config.nodeId, address: { host: "localhost", port: 9095 } }] };
}
