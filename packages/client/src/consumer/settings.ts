import { OptionError } from "../errors.ts";
import { oneOf, onlyKnown, show, wholeNumber } from "../options.ts";
import type { Topic } from "../topic/topic.ts";
import type { Assignable, ConsumerOptions, SeekTarget } from "./api.ts";

const KIB = 1024;
const MIB = KIB * KIB;
const GIB = KIB * MIB;

/** One entry of `assign`, in one form. */
export interface Wanted {
  readonly name: string;
  readonly codecs: Topic<unknown, unknown> | null;
  /** null: all. */
  readonly partition: number | null;
  readonly start: SeekTarget | null;
}

export interface ConsumerSettings {
  readonly wanted: readonly Wanted[];
  readonly group: string | null;
  readonly offsetReset: "earliest" | "latest" | "none";
  readonly autoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  readonly isolation: 0 | 1;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  readonly prefetchBytes: number;
  readonly untilEnd: boolean;
  readonly count: number;
}

export function consumerSettings(options: ConsumerOptions): ConsumerSettings {
  onlyKnown("the consumer", options, [
    ...["assign", "group", "offsetReset", "autoCommit", "autoCommitIntervalMs", "isolation", "maxWaitMs", "minBytes"],
    ...["maxBytes", "maxPartitionBytes", "prefetchBytes", "until", "count", "signal"],
  ]);
  const { group = null } = options;
  if (group !== null && (typeof group !== "string" || group === ""))
    throw new OptionError("group", `Cannot use group: ${show(group)}: it must be a name`);
  const autoCommit = oneOf("autoCommit", options.autoCommit, group !== null, [true, false]);
  if (autoCommit && group === null)
    throw new OptionError(
      "autoCommit",
      "Cannot use autoCommit: true without a group: offsets are committed for a group; name one, or leave autoCommit out",
    );
  return {
    wanted: wanted(options.assign),
    group,
    offsetReset: oneOf<"earliest" | "latest" | "none">("offsetReset", options.offsetReset, "latest", ["earliest", "latest", "none"]),
    autoCommit,
    autoCommitIntervalMs: wholeNumber("autoCommitIntervalMs", options.autoCommitIntervalMs, 5_000, {
      least: 10,
      most: 3_600_000,
      unit: "ms",
    }),
    isolation:
      oneOf("isolation", options.isolation, "read_uncommitted", ["read_uncommitted", "read_committed"]) === "read_committed" ? 1 : 0,
    maxWaitMs: wholeNumber("maxWaitMs", options.maxWaitMs, 500, { least: 0, most: 60_000, unit: "ms" }),
    minBytes: wholeNumber("minBytes", options.minBytes, 1, { least: 0, most: 8 * MIB, unit: "bytes" }),
    maxBytes: wholeNumber("maxBytes", options.maxBytes, 4 * MIB, { least: 1, most: 64 * MIB, unit: "bytes" }),
    maxPartitionBytes: wholeNumber("maxPartitionBytes", options.maxPartitionBytes, MIB, { least: 1, most: 64 * MIB, unit: "bytes" }),
    prefetchBytes: wholeNumber("prefetchBytes", options.prefetchBytes, 16 * MIB, { least: 1, most: 8 * GIB, unit: "bytes" }),
    untilEnd: oneOf<"end" | "never">("until", options.until, "never", ["end"]) === "end",
    count:
      options.count === undefined
        ? Number.POSITIVE_INFINITY
        : wholeNumber("count", options.count, 0, { least: 0, most: Number.MAX_SAFE_INTEGER }),
  };
}

function wanted(assign: readonly Assignable[]): Wanted[] {
  if (!Array.isArray(assign) || assign.length === 0)
    throw new OptionError(
      "assign",
      'Cannot consume without assign: name topics or partitions, such as assign: ["orders", { topic: "payments", partition: 0 }]',
    );
  const all = assign.map(normal);
  all.forEach((each, index) => {
    const other = all.findIndex(
      ({ name, partition }) => name === each.name && (partition === each.partition || partition === null || each.partition === null),
    );
    if (other !== index)
      throw new OptionError(
        "assign",
        `Cannot use assign: it names ${each.name}${each.partition === null ? "" : `-${each.partition}`} twice`,
      );
  });
  return all;
}

function normal(entry: Assignable): Wanted {
  if (typeof entry === "string") return { name: entry, codecs: null, partition: null, start: null };
  if ("name" in entry) return { name: entry.name, codecs: entry, partition: null, start: null };
  onlyKnown("the assignment", entry, ["topic", "partition", "offset"]);
  const { topic, partition = null, offset = null } = entry;
  if (partition !== null && !(Number.isInteger(partition) && partition >= 0))
    throw new OptionError("partition", `Cannot assign partition ${show(partition)}: it must be a whole number, at least 0`);
  if (offset !== null) checkTarget(offset);
  return typeof topic === "string"
    ? { name: topic, codecs: null, partition, start: offset }
    : { name: topic.name, codecs: topic, partition, start: offset };
}

/** Throws at once, so that a wrong target does not surface as a failed call. */
export function checkTarget(target: SeekTarget): void {
  if (target === "beginning" || target === "end") return;
  const number = typeof target === "number" ? target : "offset" in target ? target.offset : target.timestamp;
  if (!Number.isSafeInteger(number) || number < 0)
    throw new OptionError(
      "offset",
      `Cannot seek to ${JSON.stringify(target)}: an offset or a timestamp in ms must be a whole number, at least 0`,
    );
}
