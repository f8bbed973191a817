import type { Frame } from "@ottla/host";
import { errors, kafka } from "@ottla/protocol";
import { type Api, defineApi } from "../api.ts";

/** No features are told: before version 4 some clients fail on one whose least version is 0, and there is none that they act on. */
export const apiVersions = defineApi({
  api: kafka.apis.apiVersions,
  versions: [0, 4],
  handle: ({ apis }) => ({ errorCode: 0, apiKeys: table(apis) }),
});

/** For a version that is not known: nobody can tell how its body is laid out, and every client understands the oldest answer, from which it
 * learns what to ask instead. */
export function versionsForStrangers(apis: ReadonlyMap<number, Api>, correlationId: number): Frame {
  return kafka.encodeResponse(kafka.apis.apiVersions, 0, correlationId, {
    errorCode: errors.UNSUPPORTED_VERSION.code,
    apiKeys: table(apis),
  });
}

function table(apis: ReadonlyMap<number, Api>): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return [...apis.values()]
    .map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
    .sort((one, other) => one.apiKey - other.apiKey);
}
