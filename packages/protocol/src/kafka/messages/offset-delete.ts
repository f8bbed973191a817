import { defineApi } from "../api.ts";
import { array, int16, int32, string, struct } from "../schema.ts";
import { committedResults, throttleTimeMs } from "./shared.ts";

/** KIP-496. Never flexible. */
const request = struct({
  groupId: string,
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32 })) })),
});

const response = struct({
  errorCode: int16,
  throttleTimeMs,
  topics: array(struct({ name: string, partitions: committedResults })),
});

export const offsetDelete = defineApi({ key: 47, name: "OffsetDelete", versions: [0, 0], flexibleFrom: Infinity, request, response });
