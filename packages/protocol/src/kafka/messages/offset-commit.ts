import { defineApi } from "../api.ts";
import { array, between, int32, int64, nullable, saturatingInt64, since, string, struct, until, uuid } from "../schema.ts";
import { committedResults } from "./shared.ts";

/** 1: members of groups. 2: how long to keep. 6: leader epochs. 7: static members. 8: flexible. 9: groups of KIP-848. 10: topic ids. */
const request = struct({
  groupId: string,
  generationIdOrMemberEpoch: since(1, int32, -1),
  memberId: since(1, string),
  groupInstanceId: since(7, nullable(string)),
  retentionTimeMs: between(2, 4, saturatingInt64, -1),
  topics: array(
    struct({
      name: until(9, string),
      topicId: since(10, uuid),
      partitions: array(
        struct({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: since(6, int32, -1),
          commitTimestamp: between(1, 1, int64, -1),
          committedMetadata: nullable(string),
        }),
      ),
    }),
  ),
});

const response = struct({
  throttleTimeMs: since(3, int32),
  topics: array(struct({ name: until(9, string), topicId: since(10, uuid), partitions: committedResults })),
});

export const offsetCommit = defineApi({ key: 8, name: "OffsetCommit", versions: [0, 10], flexibleFrom: 8, request, response });
