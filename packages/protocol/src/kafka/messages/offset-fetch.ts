import { defineApi } from "../api.ts";
import { array, between, bool, int16, int32, int64, nullable, nullableSince, since, string, struct, until, uuid } from "../schema.ts";

/** 2: null asks for all topics. 5: leader epochs. 6: flexible. 7: stable offsets only. 8: several groups. 9: groups of KIP-848. 10: topic
 * ids. */
const request = struct({
  groupId: until(7, string),
  topics: until(7, nullableSince(2, array(struct({ name: string, partitionIndexes: array(int32) })))),
  groups: since(
    8,
    array(
      struct({
        groupId: string,
        memberId: since(9, nullable(string)),
        memberEpoch: since(9, int32, -1),
        topics: nullable(array(struct({ name: until(9, string), topicId: since(10, uuid), partitionIndexes: array(int32) }))),
      }),
    ),
  ),
  requireStable: since(7, bool),
});

const partitions = array(
  struct({
    partitionIndex: int32,
    committedOffset: int64,
    committedLeaderEpoch: since(5, int32, -1),
    metadata: nullable(string),
    errorCode: int16,
  }),
);

const response = struct({
  throttleTimeMs: since(3, int32),
  topics: until(7, array(struct({ name: string, partitions }))),
  errorCode: between(2, 7, int16),
  groups: since(
    8,
    array(
      struct({
        groupId: string,
        topics: array(struct({ name: until(9, string), topicId: since(10, uuid), partitions })),
        errorCode: int16,
      }),
    ),
  ),
});

export const offsetFetch = defineApi({ key: 9, name: "OffsetFetch", versions: [0, 10], flexibleFrom: 6, request, response });
