import { bool, double, int, list, long, oneOf, string } from "./kinds.ts";
import { BadValue, type Setting } from "./setting.ts";

const day = 86_400_000;
const unlimited = Number.MAX_SAFE_INTEGER;

function onlyDelete(items: readonly string[]): void {
  if (items.includes("compact")) {
    throw new BadValue(
      "asks for compaction, which this version does not have: the topic would keep every record and lose them by age, not keep the last of each key; use cleanup.policy=delete",
    );
  }
  if (items.length !== 1 || items[0] !== "delete") throw new BadValue("must be delete");
}

function throttled(what: string): Setting<readonly string[]> {
  return list({ default: [], doc: `${what} replicas whose replication is throttled.` });
}

/** Kafka's other topic settings. Their values are checked, stored and shown, because tools set and read them; nothing here acts on them. Two
 * are refused unless they say what happens anyway, since the data would not be what their value promises. */
export const inertTopicSettings: ReadonlyMap<string, Setting<unknown>> = new Map<string, Setting<unknown>>(
  Object.entries({
    "cleanup.policy": list({
      default: ["delete"],
      allowed: "delete",
      check: onlyDelete,
      doc: "What happens to old segments: they are deleted.",
    }),
    "compression.type": oneOf(["producer"], {
      default: "producer",
      refused: "the broker stores what the producer compressed; set the compression at the producer",
      doc: "The compression that the log keeps: the producer's.",
    }),
    "compression.gzip.level": int({ default: -1, min: -1, max: 9, except: 0, doc: "Level of gzip, were the broker to compress." }),
    "compression.lz4.level": int({ default: 9, min: 1, max: 17, doc: "Level of lz4, were the broker to compress." }),
    "compression.zstd.level": int({ default: 3, min: -131_072, max: 22, doc: "Level of zstd, were the broker to compress." }),
    "delete.retention.ms": long({ default: day, doc: "How long compaction keeps a tombstone." }),
    "file.delete.delay.ms": long({ default: 60_000, doc: "Delay before a removed segment's file is deleted." }),
    "flush.messages": long({ default: unlimited, min: 1, doc: "1 means flush.policy=commit; other numbers have no effect." }),
    "flush.ms": long({ default: unlimited, doc: "Use flush.policy=interval:<ms>." }),
    "follower.replication.throttled.replicas": throttled("Following"),
    "leader.replication.throttled.replicas": throttled("Leading"),
    "local.retention.bytes": long({ default: -2, min: -2, doc: "Bytes kept locally with tiered storage." }),
    "local.retention.ms": long({ default: -2, min: -2, doc: "Time kept locally with tiered storage." }),
    "max.compaction.lag.ms": long({ default: unlimited, min: 1, doc: "The longest a record stays uncompacted." }),
    "message.downconversion.enable": bool({ default: true, doc: "Conversion to old record formats." }),
    "message.format.version": string({ default: "3.0-IV1", allowEmpty: false, doc: "The record format: version 2." }),
    "message.timestamp.difference.max.ms": long({
      default: unlimited,
      doc: "Use message.timestamp.before.max.ms and message.timestamp.after.max.ms.",
    }),
    "min.cleanable.dirty.ratio": double({ default: 0.5, min: 0, max: 1, doc: "How much of a log must be uncompacted before compaction." }),
    "min.compaction.lag.ms": long({ default: 0, doc: "The shortest a record stays uncompacted." }),
    preallocate: bool({ default: false, doc: "Allocation of segment files in advance." }),
    "remote.log.copy.disable": bool({ default: false, doc: "Copying to tiered storage." }),
    "remote.log.delete.on.disable": bool({ default: false, doc: "Deletion from tiered storage when it is turned off." }),
    "remote.storage.enable": bool({ default: false, doc: "Tiered storage." }),
    "segment.index.bytes": int({ default: 10_485_760, min: 4, doc: "The size of an index file." }),
    "segment.jitter.ms": long({ default: 0, doc: "Random part of segment.ms." }),
  }),
);
