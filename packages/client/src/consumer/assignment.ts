import { deadline } from "@ottla/host";
import { ProtocolError, type Uuid } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import { LATEST } from "../connection/list-offsets.ts";
import type { TopicInfo } from "../connection/topics.ts";
import { ConsumeError, messageOf } from "../errors.ts";
import type { SeekTarget } from "./api.ts";
import type { Commits } from "./commits.ts";
import { locate, offsetsAt } from "./locate.ts";
import { Partition } from "./partition.ts";
import type { ConsumerSettings, Wanted } from "./settings.ts";

export interface AssignmentOptions {
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  readonly commits: Commits | null;
  /** Aborts at close. */
  readonly signal: AbortSignal;
}

interface Chosen {
  readonly partition: Partition;
  /** null: where the group has committed, or where `offsetReset` says. */
  readonly start: SeekTarget | null;
}

/** The partitions that `assign` names, each knowing where to begin. Their topics must be watched.
 * @throws ConsumeError when one is not there, or no broker tells in time */
export async function findAssigned(options: AssignmentOptions): Promise<{ topics: TopicInfo[]; partitions: Partition[] }> {
  const { cluster, settings, signal } = options;
  const limit = deadline(cluster.host.clock, cluster.requestTimeoutMs, "Finding the assigned topics", signal);
  try {
    const names = [...new Set(settings.wanted.map(({ name }) => name))];
    const topics = await Promise.all(names.map((name) => resolve(cluster, name, limit.signal)));
    const chosen = topics.flatMap((info) => settings.wanted.filter(({ name }) => name === info.name).flatMap((each) => select(info, each)));
    const partitions = chosen.map(({ partition }) => partition);
    await place({ ...options, signal: limit.signal }, chosen, settings.offsetReset === "earliest" ? "beginning" : "end");
    if (settings.untilEnd) {
      const asked = partitions.map((partition) => ({ partition, timestamp: LATEST }));
      for (const [partition, end] of await offsetsAt(cluster, asked, settings.isolation, limit.signal)) partition.endOffset = end;
    }
    return { topics, partitions };
  } catch (error) {
    throw limit.signal.aborted && !signal.aborted ? outOfTime(cluster, settings, error) : error;
  } finally {
    limit.cancel();
  }
}

/** Partitions that were added to a topic are consumed from their beginning: nothing in them is missed. */
export async function placeAdded(options: AssignmentOptions, partitions: readonly Partition[]): Promise<void> {
  const chosen = partitions.map((partition) => ({ partition, start: null }));
  await place({ ...options, settings: { ...options.settings, offsetReset: "earliest" } }, chosen, "beginning");
}

/** Why the topic cannot be consumed any more, if so. */
export function lostTopic({ metadata }: Cluster, name: string, id: Uuid): ConsumeError | null {
  const verdict = metadata.verdict(name);
  if (verdict !== null) return new ConsumeError(verdict.error, name, null, `Cannot go on consuming "${name}": ${verdict.message}`, verdict);
  const info = metadata.topic(name);
  if (info === undefined || info.id === id) return null;
  const why = "it was deleted and created again; make another consumer for the new one";
  return new ConsumeError("UNKNOWN_TOPIC_ID", name, null, `Cannot go on consuming "${name}": ${why}`);
}

async function resolve(cluster: Cluster, name: string, signal: AbortSignal): Promise<TopicInfo> {
  try {
    return await cluster.metadata.resolve(name, signal);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new ConsumeError(cause.error, name, null, `Cannot consume "${name}": ${cause.message}`, cause);
  }
}

function select(info: TopicInfo, { name, codecs, partition, start }: Wanted): Chosen[] {
  const all = info.partitions.map((each) => each.partition).filter((each) => partition === null || each === partition);
  if (partition !== null && all.length === 0) {
    const why = `the topic has partitions 0 to ${info.partitions.length - 1}`;
    throw new ConsumeError("UNKNOWN_TOPIC_OR_PARTITION", name, partition, `Cannot consume ${name}-${partition}: ${why}`);
  }
  return all.map((each) => ({ partition: new Partition(info, each, codecs), start }));
}

/** An offset that was asked for, else the group's, else `otherwise`. */
async function place(
  { cluster, settings, commits, signal }: AssignmentOptions,
  chosen: readonly Chosen[],
  otherwise: SeekTarget,
): Promise<void> {
  const unsaid = chosen.filter(({ start }) => start === null).map(({ partition }) => partition);
  const committed = commits === null || unsaid.length === 0 ? new Map<Partition, number>() : await commits.load(unsaid, { signal });
  const targets = chosen.map(({ partition, start }) => {
    const target = start ?? committed.get(partition);
    if (target === undefined && settings.offsetReset === "none") throw nowhereToBegin(partition, settings);
    return { partition, target: target ?? otherwise };
  });
  for (const [partition, offset] of await locate(cluster, targets, settings.isolation, signal)) partition.seek(offset);
  for (const [partition, offset] of committed) partition.committed = offset;
}

function nowhereToBegin({ label, topic, partition }: Partition, { group }: ConsumerSettings): ConsumeError {
  const why = group === null ? "no offset is given" : `group "${group}" has no committed offset`;
  const fix = "give an offset in assign, or set offsetReset to earliest or latest";
  return new ConsumeError("OFFSET_OUT_OF_RANGE", topic.name, partition, `Cannot consume ${label}: ${why} and offsetReset is none; ${fix}`);
}

function outOfTime({ metadata, requestTimeoutMs, trouble }: Cluster, { wanted }: ConsumerSettings, cause: unknown): ConsumeError {
  const why = trouble ?? messageOf(metadata.failure ?? cause);
  const names = wanted.map(({ name }) => name).join(", ");
  return new ConsumeError(
    "REQUEST_TIMED_OUT",
    names,
    null,
    `Cannot start to consume within ${requestTimeoutMs} ms (requestTimeoutMs): ${why}`,
    cause,
  );
}
