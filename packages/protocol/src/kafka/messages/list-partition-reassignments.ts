import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, int16, int32, nullable, string, struct, withDefault } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** KIP-455. */
const request = struct({
  timeoutMs: withDefault(int32, 60_000),
  topics: withDefault(nullable(array(struct({ name: string, partitionIndexes: array(int32) }))), null),
});

const response = struct({
  throttleTimeMs,
  errorCode: int16,
  errorMessage: nullable(string),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({ partitionIndex: int32, replicas: array(int32), addingReplicas: array(int32), removingReplicas: array(int32) }),
      ),
    }),
  ),
});

export const listPartitionReassignments = defineApi({
  key: 46,
  name: "ListPartitionReassignments",
  versions: [0, 0],
  flexibleFrom: 0,
  request,
  response,
});
export type ListPartitionReassignmentsRequest = Infer<typeof request>;
export type ListPartitionReassignmentsResponse = Input<typeof response>;
