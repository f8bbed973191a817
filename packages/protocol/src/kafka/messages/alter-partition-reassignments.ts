import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int16, int32, nullable, since, string, struct, withDefault } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** KIP-455. Null instead of replicas takes a reassignment back. 1: whether the number of replicas may change. */
const request = struct({
  timeoutMs: withDefault(int32, 60_000),
  allowReplicationFactorChange: since(1, bool, true),
  topics: array(
    struct({ name: string, partitions: array(struct({ partitionIndex: int32, replicas: withDefault(nullable(array(int32)), null) })) }),
  ),
});

const response = struct({
  throttleTimeMs,
  allowReplicationFactorChange: since(1, bool, true),
  errorCode: int16,
  errorMessage: nullable(string),
  responses: array(
    struct({
      name: string,
      partitions: array(struct({ partitionIndex: int32, errorCode: int16, errorMessage: nullable(string) })),
    }),
  ),
});

export const alterPartitionReassignments = defineApi({
  key: 45,
  name: "AlterPartitionReassignments",
  versions: [0, 1],
  flexibleFrom: 0,
  request,
  response,
});
export type AlterPartitionReassignmentsRequest = Infer<typeof request>;
export type AlterPartitionReassignmentsResponse = Input<typeof response>;
