import type { pb, ProtocolError } from "@ottla/protocol";
import { askLeaders, type LeaderQuestion } from "./ask-leaders.ts";
import type { CallLimits, Cluster } from "./cluster.ts";

/** Instead of a time. */
export const LATEST = -1;
export const EARLIEST = -2;
export const MAX_TIMESTAMP = -3;

export interface OffsetQuestion extends LeaderQuestion {
  /** Milliseconds, or one of the above. */
  readonly timestamp: number;
}

/** 0 read uncommitted, 1 read committed. */
export type Isolation = 0 | 1;

export function listOffsets<Q extends OffsetQuestion>(
  cluster: Cluster,
  questions: readonly Q[],
  isolation: Isolation,
  limits: CallLimits,
): Promise<Map<Q, pb.ListedOffset | ProtocolError>> {
  return askLeaders(
    cluster,
    questions,
    async (asked, each) => {
      const partitions = asked.map(({ topic, partition, timestamp }) => ({
        topicId: topic.idBytes,
        partition,
        timestamp,
        leaderEpoch: cluster.metadata.partition(topic.id, partition)?.leaderEpoch ?? -1,
      }));
      return (await cluster.call("listOffsets", { case: "listOffsets", value: { isolation, partitions } }, each)).partitions;
    },
    limits,
  );
}
