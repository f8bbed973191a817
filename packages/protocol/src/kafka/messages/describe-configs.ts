import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, between, bool, int16, int8, nullable, since, string, struct } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** 1: sources and synonyms. 3: types and documentation. 4: flexible. */
const request = struct({
  resources: array(struct({ resourceType: int8, resourceName: string, configurationKeys: nullable(array(string)) })),
  includeSynonyms: since(1, bool),
  includeDocumentation: since(3, bool),
});

const response = struct({
  throttleTimeMs,
  results: array(
    struct({
      errorCode: int16,
      errorMessage: nullable(string),
      resourceType: int8,
      resourceName: string,
      configs: array(
        struct({
          name: string,
          value: nullable(string),
          readOnly: bool,
          isDefault: between(0, 0, bool),
          configSource: since(1, int8, -1),
          isSensitive: bool,
          synonyms: since(1, array(struct({ name: string, value: nullable(string), source: int8 }))),
          configType: since(3, int8),
          documentation: since(3, nullable(string)),
        }),
      ),
    }),
  ),
});

export const describeConfigs = defineApi({ key: 32, name: "DescribeConfigs", versions: [0, 4], flexibleFrom: 4, request, response });
export type DescribeConfigsRequest = Infer<typeof request>;
export type DescribeConfigsResponse = Input<typeof response>;
