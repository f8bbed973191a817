import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int8, nullable, string, struct } from "../schema.ts";
import { configResources, throttleTimeMs } from "./shared.ts";

/** KIP-339. 1: flexible. */
const request = struct({
  resources: array(
    struct({
      resourceType: int8,
      resourceName: string,
      configs: array(struct({ name: string, configOperation: int8, value: nullable(string) })),
    }),
  ),
  validateOnly: bool,
});

const response = struct({ throttleTimeMs, responses: configResources });

export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: [0, 1],
  flexibleFrom: 1,
  request,
  response,
});
export type IncrementalAlterConfigsRequest = Infer<typeof request>;
export type IncrementalAlterConfigsResponse = Input<typeof response>;
