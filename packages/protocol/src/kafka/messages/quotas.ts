import { defineApi } from "../api.ts";
import { array, bool, float64, int16, int8, nullable, string, struct } from "../schema.ts";
import { quotaEntity, throttleTimeMs } from "./shared.ts";

/** KIP-546. 1: flexible. */
export const describeClientQuotas = defineApi({
  key: 48,
  name: "DescribeClientQuotas",
  versions: [0, 1],
  flexibleFrom: 1,
  request: struct({
    components: array(struct({ entityType: string, matchType: int8, match: nullable(string) })),
    strict: bool,
  }),
  response: struct({
    throttleTimeMs,
    errorCode: int16,
    errorMessage: nullable(string),
    entries: nullable(array(struct({ entity: quotaEntity, values: array(struct({ key: string, value: float64 })) }))),
  }),
});

export const alterClientQuotas = defineApi({
  key: 49,
  name: "AlterClientQuotas",
  versions: [0, 1],
  flexibleFrom: 1,
  request: struct({
    entries: array(struct({ entity: quotaEntity, ops: array(struct({ key: string, value: float64, remove: bool })) })),
    validateOnly: bool,
  }),
  response: struct({
    throttleTimeMs,
    entries: array(struct({ errorCode: int16, errorMessage: nullable(string), entity: quotaEntity })),
  }),
});
