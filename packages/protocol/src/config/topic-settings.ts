import { flushPolicy } from "./flush-policy.ts";
import { bool, int, long, oneOf } from "./kinds.ts";
import { nodeSettings, type NodeConfig } from "./node-settings.ts";
import { maxBatchBytes } from "./node/logs.ts";
import type { ValuesOf } from "./setting.ts";

const node = nodeSettings;

/** The topic settings that have an effect. The defaults are those of the node settings that a topic follows until it has a value of its own. */
export const topicSettingTable = {
  retentionMs: long({
    default: node.logRetentionMs.default,
    min: -1,
    minMeans: "for ever",
    doc: "Segments whose newest record is older than so many milliseconds are deleted.",
  }),
  retentionBytes: long({
    default: node.logRetentionBytes.default,
    min: -1,
    minMeans: "no limit",
    doc: "The oldest segments of a partition are deleted while it holds more bytes than this.",
  }),
  segmentBytes: int({ default: node.logSegmentBytes.default, min: 1024, doc: "Bytes of a segment file before the next is begun." }),
  segmentMs: long({
    default: node.logRollMs.default,
    min: 1,
    doc: "Age in milliseconds at which the next segment is begun even when the last is not full.",
  }),
  maxMessageBytes: int({
    default: node.messageMaxBytes.default,
    min: 0,
    max: maxBatchBytes,
    doc: "The largest record batch, in bytes, as it is sent (compressed).",
  }),
  messageTimestampType: oneOf(["CreateTime", "LogAppendTime"], {
    default: node.logMessageTimestampType.default,
    doc: "Whether a record keeps the time its producer gave it or gets the time of its append.",
  }),
  messageTimestampBeforeMaxMs: long({
    default: node.logMessageTimestampBeforeMaxMs.default,
    doc: "How many milliseconds a record's own timestamp may lie before the broker's clock.",
  }),
  messageTimestampAfterMaxMs: long({
    default: node.logMessageTimestampAfterMaxMs.default,
    doc: "How many milliseconds a record's own timestamp may lie after the broker's clock.",
  }),
  minInsyncReplicas: int({
    default: node.minInsyncReplicas.default,
    min: -1,
    except: 0,
    minMeans: "automatic: the majority of the replication factor",
    doc: "How many replicas must hold a record before it is acknowledged to a producer with acks=all.",
  }),
  flushPolicy: flushPolicy({
    default: node.logFlushPolicy.default,
    doc: "When records are synced to the disk: commit, interval:<ms> or os, as log.flush.policy. Not in Kafka; flush.messages=1 means commit.",
  }),
  indexIntervalBytes: int({
    default: node.logIndexIntervalBytes.default,
    min: 0,
    doc: "Bytes of log between two entries of the offset index.",
  }),
  uncleanLeaderElectionEnable: bool({
    default: false,
    doc: "Whether a live replica that is not in sync leads when none that holds every acknowledged record has come for 10 seconds. Records may be lost; an event says so.",
  }),
} as const;

/** What applies to one topic; durations in milliseconds, sizes in bytes. */
export interface TopicSettings extends ValuesOf<typeof topicSettingTable> {}

export type TopicKey = keyof TopicSettings;

/** What a topic gets from its node. */
export function inheritedSettings(config: NodeConfig): TopicSettings {
  return {
    retentionMs: config.logRetentionMs,
    retentionBytes: config.logRetentionBytes,
    segmentBytes: config.logSegmentBytes,
    segmentMs: config.logRollMs,
    maxMessageBytes: config.messageMaxBytes,
    messageTimestampType: config.logMessageTimestampType,
    messageTimestampBeforeMaxMs: config.logMessageTimestampBeforeMaxMs,
    messageTimestampAfterMaxMs: config.logMessageTimestampAfterMaxMs,
    minInsyncReplicas: config.minInsyncReplicas,
    flushPolicy: config.logFlushPolicy,
    indexIntervalBytes: config.logIndexIntervalBytes,
    uncleanLeaderElectionEnable: topicSettingTable.uncleanLeaderElectionEnable.default,
  };
}
