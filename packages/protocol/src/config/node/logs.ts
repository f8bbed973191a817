import { flushPolicy } from "../flush-policy.ts";
import { bool, int, long, oneOf } from "../kinds.ts";

const minute = 60_000;
const hour = 60 * minute;
const KiB = 1024;
const MiB = 1024 * KiB;

/** The largest record batch that any topic may allow. */
export const maxBatchBytes = 64 * MiB;

/** What topics are made with, and how their logs are kept. */
export const logSettings = {
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
    doc: "How many replicas must hold a record before it is acknowledged to a producer with acks=all. Read when the cluster is founded; from then on changed for all nodes at once, by `ottla config alter --node default`.",
  }),
  autoCreateTopicsEnable: bool({ default: true, doc: "Whether a client that asks for a missing topic may have it created." }),
  messageMaxBytes: int({
    default: MiB + 12,
    min: 0,
    max: maxBatchBytes,
    doc: "The largest record batch, in bytes, as it is sent (compressed).",
  }),

  replicaLagTimeMaxMs: long({
    default: 10_000,
    min: 100,
    max: 2_147_483_647,
    doc: "A follower that has not held the end of its leader's log for so many milliseconds leaves the in-sync set.",
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
    doc: "When records are synced to the disk. commit: before they are acknowledged. interval:<ms>: so often; a power failure may take what was acknowledged since. os: when the operating system likes. Read when the cluster is founded; from then on changed for all nodes at once, by `ottla config alter --node default`.",
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
} as const;
