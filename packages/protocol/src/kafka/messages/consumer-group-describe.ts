import { defineApi } from "../api.ts";
import { array, bool, int16, int32, int8, nullable, since, string, struct, uuid, withDefault } from "../schema.ts";
import { NO_OPERATIONS, throttleTimeMs } from "./shared.ts";

const assignment = struct({
  topicPartitions: array(struct({ topicId: uuid, topicName: string, partitions: array(int32) })),
});

/** KIP-848. 1: what kind of member. */
const request = struct({ groupIds: array(string), includeAuthorizedOperations: bool });

const response = struct({
  throttleTimeMs,
  groups: array(
    struct({
      errorCode: int16,
      errorMessage: withDefault(nullable(string), null),
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      assignorName: string,
      members: array(
        struct({
          memberId: string,
          instanceId: withDefault(nullable(string), null),
          rackId: withDefault(nullable(string), null),
          memberEpoch: int32,
          clientId: string,
          clientHost: string,
          subscribedTopicNames: array(string),
          subscribedTopicRegex: withDefault(nullable(string), null),
          assignment,
          targetAssignment: assignment,
          memberType: since(1, int8, -1),
        }),
      ),
      authorizedOperations: withDefault(int32, NO_OPERATIONS),
    }),
  ),
});

export const consumerGroupDescribe = defineApi({
  key: 69,
  name: "ConsumerGroupDescribe",
  versions: [0, 1],
  flexibleFrom: 0,
  request,
  response,
});
