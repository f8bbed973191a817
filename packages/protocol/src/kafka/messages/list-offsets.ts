import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, between, int16, int32, int64, int8, saturatingInt64, since, string, struct, until } from "../schema.ts";

/** 1: one offset for a time instead of many. 2: read committed. 4: leader epochs. 6: flexible. 7: the latest time. 8, 9: tiered logs.
 * 10: timeout. 11: the first offset not yet uploaded. */
const request = struct({
  replicaId: int32,
  isolationLevel: since(2, int8),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          currentLeaderEpoch: since(4, int32, -1),
          timestamp: saturatingInt64,
          maxNumOffsets: until(0, int32, 1),
        }),
      ),
    }),
  ),
  timeoutMs: since(10, int32),
});

const response = struct({
  throttleTimeMs: since(2, int32),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          oldStyleOffsets: between(0, 0, array(int64)),
          timestamp: since(1, int64, -1),
          offset: since(1, int64, -1),
          leaderEpoch: since(4, int32, -1),
        }),
      ),
    }),
  ),
});

export const listOffsets = defineApi({ key: 2, name: "ListOffsets", versions: [0, 11], flexibleFrom: 6, request, response });
export type ListOffsetsRequest = Infer<typeof request>;
export type ListOffsetsResponse = Input<typeof response>;
