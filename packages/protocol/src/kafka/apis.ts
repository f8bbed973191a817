import type { Api } from "./api.ts";
import { apiVersions } from "./messages/api-versions.ts";
import { fetch } from "./messages/fetch.ts";
import { initProducerId } from "./messages/init-producer-id.ts";
import { listOffsets } from "./messages/list-offsets.ts";
import { metadata } from "./messages/metadata.ts";
import { produce } from "./messages/produce.ts";

/** Every API whose messages are known, those that no server here answers included. */
export const apis = { produce, fetch, listOffsets, metadata, apiVersions, initProducerId };

const byKey = new Map<number, Api>(Object.values(apis).map((api) => [api.key, api]));

export function apiByKey(key: number): Api | undefined {
  return byKey.get(key);
}
