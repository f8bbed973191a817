import { defineApi } from "../api.ts";
import { array, int16, int32, nullable, since, string, struct, withDefault } from "../schema.ts";
import { throttleTimeMs, topicIdPartitions } from "./shared.ts";

/** KIP-848. Null or -1: unchanged. 1: regular expressions, ids made by members. */
const request = struct({
  groupId: string,
  memberId: string,
  memberEpoch: int32,
  instanceId: withDefault(nullable(string), null),
  rackId: withDefault(nullable(string), null),
  rebalanceTimeoutMs: withDefault(int32, -1),
  subscribedTopicNames: withDefault(nullable(array(string)), null),
  subscribedTopicRegex: since(1, nullable(string)),
  serverAssignor: withDefault(nullable(string), null),
  topicPartitions: withDefault(nullable(topicIdPartitions), null),
});

const response = struct({
  throttleTimeMs,
  errorCode: int16,
  errorMessage: withDefault(nullable(string), null),
  memberId: withDefault(nullable(string), null),
  memberEpoch: int32,
  heartbeatIntervalMs: int32,
  assignment: withDefault(nullable(struct({ topicPartitions: topicIdPartitions })), null),
});

export const consumerGroupHeartbeat = defineApi({
  key: 68,
  name: "ConsumerGroupHeartbeat",
  versions: [0, 1],
  flexibleFrom: 0,
  request,
  response,
});
