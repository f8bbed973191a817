import { errorName, errors, uuidFromBytes, uuidToText, type pb } from "@ottla/protocol";
import type { CallLimits, Cluster } from "../connection/cluster.ts";
import type { TopicPartition } from "../consumer/api.ts";
import type { Failure } from "../errors.ts";
import { topicNames } from "./groups.ts";
import { known } from "./offsets.ts";
import { succeeded, throwIfAny } from "./outcomes.ts";
import type { DrainProgress, ElectedPartition, Move, Reassignment } from "./shape-api.ts";
import { describeTopics, withTopics } from "./topics.ts";

export function reassign(cluster: Cluster, moves: readonly Move[], rate: number, limits: CallLimits): Promise<void> {
  return withTopics(cluster, "reassign", moves, limits, async (topics) => {
    const partitions = moves.map(({ topic, partition, replicas }) => ({
      topicId: known(topics, topic).idBytes,
      partition,
      replicas: [...replicas],
      cancel: false,
    }));
    await askedOf(cluster, "reassign", moves, { partitions, rate }, limits);
  });
}

/** Of all partitions that are being moved when none are named. Returns those that go back. */
export async function cancelReassignments(
  cluster: Cluster,
  chosen: readonly TopicPartition[] | undefined,
  limits: CallLimits,
): Promise<TopicPartition[]> {
  const wanted = chosen ?? (await listReassignments(cluster, limits)).map(({ topic, partition }) => ({ topic, partition }));
  if (wanted.length === 0) return [];
  const action = "cancel the reassignment of";
  return await withTopics(cluster, action, wanted, limits, async (topics) => {
    const partitions = wanted.map(({ topic, partition }) => ({
      topicId: known(topics, topic).idBytes,
      partition,
      replicas: [],
      cancel: true,
    }));
    await askedOf(cluster, action, wanted, { partitions, rate: 0 }, limits);
    return wanted.map(({ topic, partition }) => ({ topic, partition }));
  });
}

export async function listReassignments(cluster: Cluster, limits: CallLimits): Promise<Reassignment[]> {
  const topics = await describeTopics(cluster, null, limits);
  return topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ adding, removing }) => adding.length + removing.length > 0)
      .map(({ partition, replicas, inSyncReplicas, offlineReplicas, adding, removing }) => ({
        topic: name,
        partition,
        replicas,
        inSyncReplicas,
        adding,
        removing,
        waitingFor: adding.filter((nodeId) => offlineReplicas.includes(nodeId)),
      })),
  );
}

export function electLeaders(
  cluster: Cluster,
  chosen: readonly TopicPartition[],
  unclean: boolean,
  limits: CallLimits,
): Promise<ElectedPartition[]> {
  const action = "elect a leader of";
  return withTopics(cluster, action, chosen, limits, async (topics) => {
    const partitions = chosen.map(({ topic, partition }) => ({ topicId: known(topics, topic).idBytes, partition }));
    const answer = await cluster.call("electLeaders", { case: "electLeaders", value: { partitions, unclean } }, limits);
    const label = await labels(cluster, answer.partitions, limits);
    const done = answer.partitions.filter(({ errorCode }) => errorName(errorCode) !== "ELECTION_NOT_NEEDED");
    succeeded(action, done, (outcome) => label(outcome).item);
    return answer.partitions.map((outcome) => ({
      topic: label(outcome).topic,
      partition: outcome.partition,
      changed: outcome.errorCode === 0,
    }));
  });
}

/** Starts to move everything off the broker, or tells how far it is. */
export async function drain(cluster: Cluster, nodeId: number, rate: number, cancel: boolean, limits: CallLimits): Promise<DrainProgress> {
  const value = { nodeId, rate, cancel };
  const { replicasLeft, stuck } = await cluster.call("drainBroker", { case: "drainBroker", value }, limits);
  const label = await labels(cluster, stuck, limits);
  return { replicasLeft, stuck: stuck.map((outcome) => failureOf(outcome, label(outcome).item)) };
}

export function alterReplicationFactor(
  cluster: Cluster,
  name: string,
  wanted: { readonly factor: number; readonly rate: number; readonly validateOnly: boolean },
  limits: CallLimits,
): Promise<void> {
  const action = "change the replication factor of";
  return withTopics(cluster, action, [{ topic: name, partition: null }], limits, async (topics) => {
    const value = { topicId: known(topics, name).idBytes, ...wanted };
    const answer = await cluster.call("alterReplicationFactor", { case: "alterReplicationFactor", value }, limits);
    succeeded(action, answer.partitions, ({ partition }) => `${name}-${partition}`);
  });
}

async function askedOf(
  cluster: Cluster,
  action: string,
  asked: readonly TopicPartition[],
  value: pb.ReassignPartitionsCall,
  limits: CallLimits,
): Promise<void> {
  const answer = await cluster.call("reassignPartitions", { case: "reassignPartitions", value }, limits);
  const names = new Map(value.partitions.map(({ topicId }, at) => [uuidFromBytes(topicId), asked[at]?.topic]));
  throwIfAny(
    action,
    answer.partitions
      .filter(({ errorCode }) => errorCode !== 0)
      .map((outcome) => failureOf(outcome, `${names.get(uuidFromBytes(outcome.topicId)) ?? "?"}-${outcome.partition}`)),
  );
}

function failureOf({ errorCode, errorMessage }: pb.PartitionOutcome, item: string): Failure {
  const error = errorName(errorCode);
  return { item, error, message: errorMessage === "" ? errors[error].meaning : errorMessage };
}

/** The names of what the brokers speak of by id. */
async function labels(
  cluster: Cluster,
  outcomes: readonly pb.PartitionOutcome[],
  limits: CallLimits,
): Promise<(outcome: pb.PartitionOutcome) => { topic: string; item: string }> {
  const ids = outcomes.map(({ topicId }) => uuidFromBytes(topicId));
  const names = await topicNames(cluster, ids, limits);
  return ({ topicId, partition }) => {
    const id = uuidFromBytes(topicId);
    const topic = names.get(id) ?? uuidToText(id);
    return { topic, item: `${topic}-${partition}` };
  };
}
