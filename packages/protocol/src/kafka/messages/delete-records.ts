import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, int16, int32, int64, saturatingInt64, string, struct } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** 2: flexible. */
const request = struct({
  // Whoever names the greatest there is hears that it is out of range.
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, offset: saturatingInt64 })) })),
  timeoutMs: int32,
});

const response = struct({
  throttleTimeMs,
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 })) })),
});

export const deleteRecords = defineApi({ key: 21, name: "DeleteRecords", versions: [0, 2], flexibleFrom: 2, request, response });
export type DeleteRecordsRequest = Infer<typeof request>;
export type DeleteRecordsResponse = Input<typeof response>;
