import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int16, int32, nullable, string, struct, withDefault } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** 2: flexible. 3: answers THROTTLING_QUOTA_EXCEEDED. */
const request = struct({
  topics: array(
    struct({ name: string, count: int32, assignments: withDefault(nullable(array(struct({ brokerIds: array(int32) }))), null) }),
  ),
  timeoutMs: int32,
  validateOnly: bool,
});

const response = struct({
  throttleTimeMs,
  results: array(struct({ name: string, errorCode: int16, errorMessage: withDefault(nullable(string), null) })),
});

export const createPartitions = defineApi({ key: 37, name: "CreatePartitions", versions: [0, 3], flexibleFrom: 2, request, response });
export type CreatePartitionsRequest = Infer<typeof request>;
export type CreatePartitionsResponse = Input<typeof response>;
