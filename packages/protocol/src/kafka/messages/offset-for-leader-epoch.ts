import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, int16, int32, int64, since, string, struct, withDefault } from "../schema.ts";

/** 2: fencing by the current epoch. 3: who asks. 4: flexible. */
const request = struct({
  replicaId: since(3, int32, -2),
  topics: array(
    struct({
      topic: string,
      partitions: array(struct({ partition: int32, currentLeaderEpoch: since(2, int32, -1), leaderEpoch: int32 })),
    }),
  ),
});

const response = struct({
  throttleTimeMs: since(2, int32),
  topics: array(
    struct({
      topic: string,
      partitions: array(
        struct({ errorCode: int16, partition: int32, leaderEpoch: since(1, int32, -1), endOffset: withDefault(int64, -1) }),
      ),
    }),
  ),
});

export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: [0, 4],
  flexibleFrom: 4,
  request,
  response,
});
export type OffsetForLeaderEpochRequest = Infer<typeof request>;
export type OffsetForLeaderEpochResponse = Input<typeof response>;
