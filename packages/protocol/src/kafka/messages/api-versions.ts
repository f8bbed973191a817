import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int16, int32, int64, since, string, struct, tagged } from "../schema.ts";

/** 3: flexible, with the name of the client; features. 4: features whose least version is 0. The header of the answer is never flexible. */
const request = struct({ clientSoftwareName: since(3, string), clientSoftwareVersion: since(3, string) });

const response = struct({
  errorCode: int16,
  apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })),
  throttleTimeMs: since(1, int32),
  supportedFeatures: tagged(0, 3, array(struct({ name: string, minVersion: int16, maxVersion: int16 }))),
  finalizedFeaturesEpoch: tagged(1, 3, int64, -1),
  finalizedFeatures: tagged(2, 3, array(struct({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }))),
  zkMigrationReady: tagged(3, 3, bool),
});

export const apiVersions = defineApi({ key: 18, name: "ApiVersions", versions: [0, 4], flexibleFrom: 3, request, response });
export type ApiVersionsRequest = Infer<typeof request>;
export type ApiVersionsResponse = Input<typeof response>;
