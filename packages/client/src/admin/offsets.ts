import { askLeaders } from "../connection/ask-leaders.ts";
import type { CallLimits, Cluster } from "../connection/cluster.ts";
import { EARLIEST, LATEST, listOffsets, MAX_TIMESTAMP, type Isolation } from "../connection/list-offsets.ts";
import type { TopicInfo } from "../connection/topics.ts";
import type { DeletedRecords, DeleteRecordsBefore, ListedOffset, OffsetQuery } from "./api.ts";
import { allAnswered } from "./outcomes.ts";
import { withTopics } from "./topics.ts";

const named = { earliest: EARLIEST, latest: LATEST, max: MAX_TIMESTAMP };

export function listedOffsets(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  isolation: Isolation,
  limits: CallLimits,
): Promise<ListedOffset[]> {
  return withTopics(cluster, "list the offsets of", queries, limits, async (topics) => {
    const questions = queries.map(({ topic, partition, at }) => ({
      topic: known(topics, topic),
      partition,
      timestamp: typeof at === "number" ? at : named[at],
    }));
    const answers = allAnswered("list the offsets of", await listOffsets(cluster, questions, isolation, limits), label);
    return [...answers].map(([{ topic, partition }, { offset, timestamp, leaderEpoch }]) => ({
      topic: topic.name,
      partition,
      offset,
      timestamp,
      leaderEpoch,
    }));
  });
}

export function deleteRecords(cluster: Cluster, partitions: readonly DeleteRecordsBefore[], limits: CallLimits): Promise<DeletedRecords[]> {
  return withTopics(cluster, "delete records of", partitions, limits, async (topics) => {
    const questions = partitions.map(({ topic, partition, before }) => ({
      topic: known(topics, topic),
      partition,
      beforeOffset: before === "end" ? -1 : before,
    }));
    const answers = await askLeaders(
      cluster,
      questions,
      async (asked, each) => {
        const value = {
          partitions: asked.map(({ topic, partition, beforeOffset }) => ({ topicId: topic.idBytes, partition, beforeOffset })),
        };
        return (await cluster.call("deleteRecords", { case: "deleteRecords", value }, each)).partitions;
      },
      limits,
    );
    return [...allAnswered("delete records of", answers, label)].map(([{ topic, partition }, { logStartOffset }]) => ({
      topic: topic.name,
      partition,
      logStartOffset,
    }));
  });
}

export function known(topics: ReadonlyMap<string, TopicInfo>, name: string): TopicInfo {
  const info = topics.get(name);
  if (info === undefined) throw new Error(`Invariant broken: topic "${name}" is not among the ${topics.size} that were resolved`);
  return info;
}

function label({ topic, partition }: { topic: TopicInfo; partition: number }): string {
  return `${topic.name}-${partition}`;
}
