import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int8, nullable, string, struct } from "../schema.ts";
import { configResources, throttleTimeMs } from "./shared.ts";

/** Replaces all that was set for a resource. 2: flexible. */
const request = struct({
  resources: array(struct({ resourceType: int8, resourceName: string, configs: array(struct({ name: string, value: nullable(string) })) })),
  validateOnly: bool,
});

const response = struct({ throttleTimeMs, responses: configResources });

export const alterConfigs = defineApi({ key: 33, name: "AlterConfigs", versions: [0, 2], flexibleFrom: 2, request, response });
export type AlterConfigsRequest = Infer<typeof request>;
export type AlterConfigsResponse = Input<typeof response>;
