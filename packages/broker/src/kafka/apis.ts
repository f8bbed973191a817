import type { BrokerParts } from "../operations/context.ts";
import type { Api } from "./api.ts";
import { adminApis } from "./apis/admin/index.ts";
import { apiVersions } from "./apis/api-versions.ts";
import { dataApis } from "./apis/data/index.ts";
import { metadata } from "./apis/metadata.ts";

/** Everything that is answered, and nothing else is advertised: clients take an API that is not listed for one to do without. */
export function kafkaApis(parts: BrokerParts): ReadonlyMap<number, Api> {
  return new Map([apiVersions, metadata, ...dataApis(parts), ...adminApis].map((api) => [api.key, api]));
}
