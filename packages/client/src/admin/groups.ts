import { uuidFromBytes, uuidToBytes, uuidToText, type Uuid } from "@ottla/protocol";
import type { CallLimits, Cluster } from "../connection/cluster.ts";
import { EARLIEST, LATEST, listOffsets } from "../connection/list-offsets.ts";
import type { SeekTarget, TopicPartition, TopicPartitionOffset } from "../consumer/api.ts";
import type { GroupListing, GroupOffset, OffsetToCommit } from "./api.ts";
import { known } from "./offsets.ts";
import { allAnswered, succeeded } from "./outcomes.ts";
import { withTopics } from "./topics.ts";

export async function listGroups(cluster: Cluster, limits: CallLimits): Promise<GroupListing[]> {
  const { groups } = await cluster.call("listGroups", { case: "listGroups", value: {} }, limits);
  return groups.map(({ group, partitions, lastCommitMs }) => ({ group, partitions, lastCommitMs }));
}

export async function deleteGroups(cluster: Cluster, groups: readonly string[], limits: CallLimits): Promise<void> {
  const answer = await cluster.call("deleteGroups", { case: "deleteGroups", value: { groups: [...groups] } }, limits);
  succeeded("delete", answer.groups, ({ group }) => `group "${group}"`);
}

/** All that the group has committed when no partitions are given; those without an offset are left out. */
export function fetchGroupOffsets(
  cluster: Cluster,
  group: string,
  partitions: readonly TopicPartition[],
  limits: CallLimits,
): Promise<GroupOffset[]> {
  return withTopics(cluster, `read the offsets of group "${group}" for`, partitions, limits, async (topics) => {
    const asked = partitions.map(({ topic, partition }) => ({ topicId: known(topics, topic).idBytes, partition }));
    const { offsets } = await cluster.call("fetchOffsets", { case: "fetchOffsets", value: { group, partitions: asked } }, limits);
    const names = await topicNames(
      cluster,
      offsets.map(({ topicId }) => uuidFromBytes(topicId)),
      limits,
    );
    return offsets
      .filter(({ offset }) => offset >= 0)
      .map(({ topicId, partition, offset, leaderEpoch, metadata, commitTimeMs }) => {
        const id = uuidFromBytes(topicId);
        return { topic: names.get(id) ?? uuidToText(id), partition, offset, leaderEpoch, metadata, commitTimeMs };
      });
  });
}

export function commitGroupOffsets(cluster: Cluster, group: string, offsets: readonly OffsetToCommit[], limits: CallLimits): Promise<void> {
  const action = `commit for group "${group}":`;
  return withTopics(cluster, action, offsets, limits, async (topics) => {
    const value = {
      group,
      offsets: offsets.map(({ topic, partition, offset, leaderEpoch = -1, metadata = "" }) => ({
        topicId: known(topics, topic).idBytes,
        partition,
        offset,
        leaderEpoch,
        metadata,
      })),
    };
    const answer = await cluster.call("commitOffsets", { case: "commitOffsets", value }, limits);
    const names = new Map([...topics.values()].map(({ id, name }) => [id, name]));
    succeeded(action, answer.offsets, ({ topicId, partition }) => `${names.get(uuidFromBytes(topicId)) ?? "?"}-${partition}`);
  });
}

/** A topic's name stands for all its partitions. */
export function resetGroupOffsets(
  cluster: Cluster,
  group: string,
  partitions: readonly (string | TopicPartition)[],
  to: SeekTarget,
  limits: CallLimits,
): Promise<TopicPartitionOffset[]> {
  const wanted = partitions.map((each) => (typeof each === "string" ? { topic: each, partition: null } : each));
  return withTopics(cluster, `reset group "${group}" on`, wanted, limits, async (topics) => {
    const chosen = wanted.flatMap(({ topic, partition }) => {
      const info = known(topics, topic);
      return info.partitions
        .filter((each) => partition === null || each.partition === partition)
        .map((each) => ({ topic: info, partition: each.partition }));
    });
    const listed = async (timestamp: number, of = chosen): Promise<Map<(typeof chosen)[number], number>> => {
      const questions = of.map((each) => ({ ...each, each, timestamp }));
      const answers = allAnswered(
        "list the offsets of",
        await listOffsets(cluster, questions, 0, limits),
        ({ topic, partition }) => `${topic.name}-${partition}`,
      );
      return new Map([...answers].map(([question, answer]) => [question.each, answer.offset]));
    };
    const offsets =
      typeof to === "number"
        ? new Map(chosen.map((each) => [each, to]))
        : to === "beginning"
          ? await listed(EARLIEST)
          : to === "end"
            ? await listed(LATEST)
            : "offset" in to
              ? new Map(chosen.map((each) => [each, to.offset]))
              : await listed(to.timestamp);
    const late = chosen.filter((each) => (offsets.get(each) ?? -1) < 0);
    for (const [each, offset] of late.length === 0 ? [] : await listed(LATEST, late)) offsets.set(each, offset);
    const result = [...offsets].map(([{ topic, partition }, offset]) => ({ topic: topic.name, partition, offset }));
    await commitGroupOffsets(cluster, group, result, limits);
    return result;
  });
}

export function deleteGroupOffsets(
  cluster: Cluster,
  group: string,
  partitions: readonly TopicPartition[],
  limits: CallLimits,
): Promise<void> {
  const action = `delete offsets of group "${group}":`;
  return withTopics(cluster, action, partitions, limits, async (topics) => {
    const value = { group, partitions: partitions.map(({ topic, partition }) => ({ topicId: known(topics, topic).idBytes, partition })) };
    const answer = await cluster.call("deleteOffsets", { case: "deleteOffsets", value }, limits);
    const names = new Map([...topics.values()].map(({ id, name }) => [id, name]));
    succeeded(action, answer.offsets, ({ topicId, partition }) => `${names.get(uuidFromBytes(topicId)) ?? "?"}-${partition}`);
  });
}

/** Topics that are gone have no name any more. */
export async function topicNames(cluster: Cluster, ids: readonly Uuid[], limits: CallLimits): Promise<Map<Uuid, string>> {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0) return new Map();
  const value = { names: [], topicIds: distinct.map(uuidToBytes), allTopics: false, allowAutoCreation: false };
  const { topics } = await cluster.call("metadata", { case: "metadata", value }, limits);
  return new Map(topics.filter(({ errorCode }) => errorCode === 0).map(({ topicId, name }) => [uuidFromBytes(topicId), name]));
}
