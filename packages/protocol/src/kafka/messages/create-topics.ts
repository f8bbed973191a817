import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int16, int32, int8, nullable, since, string, struct, tagged, uuid, withDefault } from "../schema.ts";

/** 1: validation only. 4: defaults of the broker for counts of -1. 5: flexible, what was made in the answer. 7: topic ids. */
const request = struct({
  topics: array(
    struct({
      name: string,
      numPartitions: int32,
      replicationFactor: int16,
      assignments: withDefault(array(struct({ partitionIndex: int32, brokerIds: array(int32) })), []),
      configs: withDefault(array(struct({ name: string, value: nullable(string) })), []),
    }),
  ),
  timeoutMs: withDefault(int32, 60_000),
  validateOnly: since(1, bool),
});

const response = struct({
  throttleTimeMs: since(2, int32),
  topics: array(
    struct({
      name: string,
      topicId: since(7, uuid),
      errorCode: int16,
      errorMessage: since(1, nullable(string)),
      topicConfigErrorCode: tagged(0, 5, int16),
      numPartitions: since(5, int32, -1),
      replicationFactor: since(5, int16, -1),
      configs: since(
        5,
        nullable(
          array(struct({ name: string, value: nullable(string), readOnly: bool, configSource: withDefault(int8, -1), isSensitive: bool })),
        ),
      ),
    }),
  ),
});

export const createTopics = defineApi({ key: 19, name: "CreateTopics", versions: [0, 7], flexibleFrom: 5, request, response });
export type CreateTopicsRequest = Infer<typeof request>;
export type CreateTopicsResponse = Input<typeof response>;
