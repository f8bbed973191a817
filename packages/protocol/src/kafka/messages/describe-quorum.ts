import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, int16, int32, int64, nullable, since, string, struct, uuid } from "../schema.ts";
import { listeners } from "./shared.ts";

/** KIP-595. 1: times of the last fetch. 2: texts of errors, directories, addresses (KIP-853). */
const request = struct({
  topics: array(struct({ topicName: string, partitions: array(struct({ partitionIndex: int32 })) })),
});

const replicas = array(
  struct({
    replicaId: int32,
    replicaDirectoryId: since(2, uuid),
    logEndOffset: int64,
    lastFetchTimestamp: since(1, int64, -1),
    lastCaughtUpTimestamp: since(1, int64, -1),
  }),
);

const response = struct({
  errorCode: int16,
  errorMessage: since(2, nullable(string)),
  topics: array(
    struct({
      topicName: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          errorMessage: since(2, nullable(string)),
          leaderId: int32,
          leaderEpoch: int32,
          highWatermark: int64,
          currentVoters: replicas,
          observers: replicas,
        }),
      ),
    }),
  ),
  nodes: since(2, array(struct({ nodeId: int32, listeners }))),
});

export const describeQuorum = defineApi({ key: 55, name: "DescribeQuorum", versions: [0, 2], flexibleFrom: 0, request, response });
export type DescribeQuorumRequest = Infer<typeof request>;
export type DescribeQuorumResponse = Input<typeof response>;
