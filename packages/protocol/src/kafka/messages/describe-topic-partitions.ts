import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int16, int32, nullable, string, struct, uuid, withDefault } from "../schema.ts";
import { NO_OPERATIONS, throttleTimeMs } from "./shared.ts";

const cursor = nullable(struct({ topicName: string, partitionIndex: int32 }));

/** KIP-966: a page of the partitions of topics, with the replicas that are known to be complete though they are not in sync. */
const request = struct({
  topics: array(struct({ name: string })),
  responsePartitionLimit: withDefault(int32, 2000),
  cursor: withDefault(cursor, null),
});

const response = struct({
  throttleTimeMs,
  topics: array(
    struct({
      errorCode: int16,
      name: nullable(string),
      topicId: uuid,
      isInternal: withDefault(bool, false),
      partitions: array(
        struct({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: withDefault(int32, -1),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          eligibleLeaderReplicas: withDefault(nullable(array(int32)), null),
          lastKnownElr: withDefault(nullable(array(int32)), null),
          offlineReplicas: array(int32),
        }),
      ),
      topicAuthorizedOperations: withDefault(int32, NO_OPERATIONS),
    }),
  ),
  nextCursor: withDefault(cursor, null),
});

export const describeTopicPartitions = defineApi({
  key: 75,
  name: "DescribeTopicPartitions",
  versions: [0, 0],
  flexibleFrom: 0,
  request,
  response,
});
export type DescribeTopicPartitionsRequest = Infer<typeof request>;
export type DescribeTopicPartitionsResponse = Input<typeof response>;
