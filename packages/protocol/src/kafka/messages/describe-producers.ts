import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, int16, int32, int64, nullable, string, struct, withDefault } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** KIP-664. */
const request = struct({ topics: array(struct({ name: string, partitionIndexes: array(int32) })) });

const response = struct({
  throttleTimeMs,
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          errorMessage: withDefault(nullable(string), null),
          activeProducers: array(
            struct({
              producerId: int64,
              producerEpoch: int32,
              lastSequence: withDefault(int32, -1),
              lastTimestamp: withDefault(int64, -1),
              coordinatorEpoch: int32,
              currentTxnStartOffset: withDefault(int64, -1),
            }),
          ),
        }),
      ),
    }),
  ),
});

export const describeProducers = defineApi({ key: 61, name: "DescribeProducers", versions: [0, 0], flexibleFrom: 0, request, response });
export type DescribeProducersRequest = Infer<typeof request>;
export type DescribeProducersResponse = Input<typeof response>;
