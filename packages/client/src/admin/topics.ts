import { errorName, ProtocolError, uuidFromBytes, uuidToText, type pb } from "@ottla/protocol";
import { ANY_BROKER_ATTEMPT_MS, type CallLimits, type Cluster } from "../connection/cluster.ts";
import type { TopicInfo } from "../connection/topics.ts";
import type { CreatedTopic, NewTopic, TopicDescription } from "./api.ts";
import { succeeded, throwIfAny } from "./outcomes.ts";

export async function createTopics(
  cluster: Cluster,
  topics: readonly NewTopic[],
  validateOnly: boolean,
  limits: CallLimits,
): Promise<CreatedTopic[]> {
  const answer = await cluster.call(
    "createTopics",
    { case: "createTopics", value: { topics: topics.map(toNewTopic), validateOnly } },
    limits,
  );
  return succeeded("create", answer.topics, ({ name }) => `topic "${name}"`).map(({ name, topicId, partitions, replicationFactor }) => ({
    name,
    id: topicId.length === 0 ? "" : uuidToText(uuidFromBytes(topicId)),
    partitions,
    replicationFactor,
  }));
}

export async function deleteTopics(cluster: Cluster, names: readonly string[], limits: CallLimits): Promise<void> {
  const answer = await cluster.call("deleteTopics", { case: "deleteTopics", value: { names: [...names], topicIds: [] } }, limits);
  succeeded("delete", answer.topics, ({ name }) => `topic "${name}"`);
}

export async function createPartitions(
  cluster: Cluster,
  name: string,
  total: number,
  assignments: readonly (readonly number[])[],
  validateOnly: boolean,
  limits: CallLimits,
): Promise<void> {
  const value = { topics: [{ name, total, assignments: assignments.map((nodes) => ({ nodes: [...nodes] })) }], validateOnly };
  const answer = await cluster.call("createPartitions", { case: "createPartitions", value }, limits);
  succeeded("add partitions to", answer.topics, (outcome) => `topic "${outcome.name}"`);
}

/** All topics when no names are given. */
export async function describeTopics(cluster: Cluster, names: readonly string[] | null, limits: CallLimits): Promise<TopicDescription[]> {
  const value: pb.MetadataCall = { names: [...(names ?? [])], topicIds: [], allTopics: names === null, allowAutoCreation: false };
  const answer = await cluster.call("metadata", { case: "metadata", value }, { ...limits, attemptMs: ANY_BROKER_ATTEMPT_MS });
  return succeeded("describe", answer.topics, ({ name }) => `topic "${name}"`).map(({ name, topicId, partitions }) => ({
    name,
    id: uuidToText(uuidFromBytes(topicId)),
    partitions: partitions
      .map(({ partition, leader, leaderEpoch, replicas, isr, offline, elr, adding, removing, minInSync }) => ({
        partition,
        leader,
        leaderEpoch,
        replicas,
        inSyncReplicas: isr,
        offlineReplicas: offline,
        eligibleReplicas: elr,
        adding,
        removing,
        minInSync,
      }))
      .toSorted((one, other) => one.partition - other.partition),
  }));
}

/** Names as the brokers' ids, kept fresh while `use` runs.
 * @throws AdminError naming each topic or partition that is not there */
export async function withTopics<T>(
  cluster: Cluster,
  action: string,
  wanted: readonly { topic: string; partition: number | null }[],
  limits: CallLimits,
  use: (topics: ReadonlyMap<string, TopicInfo>) => Promise<T>,
): Promise<T> {
  const names = [...new Set(wanted.map(({ topic }) => topic))];
  const endings = names.map((name) => cluster.metadata.watch(name, false));
  const { timeoutMs = cluster.requestTimeoutMs, signal } = limits;
  const limit = new AbortController();
  const timer = cluster.host.clock.after(timeoutMs, () =>
    limit.abort(new ProtocolError("REQUEST_TIMED_OUT", `no broker told of it within ${timeoutMs} ms`)),
  );
  const either = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]);
  try {
    const topics = new Map<string, TopicInfo>();
    const failures = await Promise.all(
      names.map(async (name) => {
        try {
          topics.set(name, await cluster.metadata.resolve(name, either));
          return [];
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          return [{ item: `topic "${name}"`, error: error.error, message: error.message }];
        }
      }),
    );
    throwIfAny(action, failures.flat());
    const missing = wanted.flatMap(({ topic, partition }) => {
      const count = topics.get(topic)?.partitions.length ?? 0;
      return partition === null || (Number.isInteger(partition) && partition >= 0 && partition < count)
        ? []
        : [{ item: `${topic}-${partition}`, error: errorName(3), message: `the topic has partitions 0 to ${count - 1}` }];
    });
    throwIfAny(action, missing);
    return await use(topics);
  } finally {
    timer.cancel();
    for (const end of endings) end();
  }
}

function toNewTopic({ name, partitions = -1, replicationFactor = -1, assignments = [], configs = {} }: NewTopic): pb.NewTopic {
  return {
    name,
    partitions: assignments.length > 0 ? -1 : partitions,
    replicationFactor: assignments.length > 0 ? -1 : replicationFactor,
    assignments: assignments.map((nodes) => ({ nodes: [...nodes] })),
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
}
