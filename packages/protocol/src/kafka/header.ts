import { apiByKey } from "./apis.ts";
import type { ApiTraits } from "./api.ts";
import { MAX_REQUEST_ITEMS } from "./limits.ts";
import { Reader } from "./reader.ts";
import type { UnknownTag } from "./schema.ts";
import type { Writer } from "./writer.ts";

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Chosen by the client, repeated in the answer. */
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Where the body begins in the frame. */
  readonly bodyAt: number;
  /** Tagged fields of the header, if there are any. */
  readonly unknownTags?: readonly UnknownTag[];
}

/** The client id keeps its classic length also where the rest is flexible. Of an API that is not in the table only what comes before the
 * tagged fields is read.
 * @throws MalformedFrame */
export function decodeRequestHeader(frame: Uint8Array): RequestHeader {
  const reader = new Reader(frame, 0, "request header", MAX_REQUEST_ITEMS);
  const apiKey = reader.int16("apiKey");
  const apiVersion = reader.int16("apiVersion");
  const correlationId = reader.int32("correlationId");
  const clientId = reader.nullableString("clientId");
  const api = apiByKey(apiKey);
  const unknownTags = api !== undefined && apiVersion >= api.flexibleFrom ? readTags(reader) : undefined;
  const header = { apiKey, apiVersion, correlationId, clientId, bodyAt: reader.at };
  return unknownTags === undefined ? header : { ...header, unknownTags };
}

export function writeRequestHeader(writer: Writer, api: ApiTraits, header: Omit<RequestHeader, "apiKey" | "bodyAt">): void {
  writer.int16(api.key, "apiKey");
  writer.int16(header.apiVersion, "apiVersion");
  writer.int32(header.correlationId, "correlationId");
  writer.nullableString(header.clientId, "clientId");
  if (header.apiVersion >= api.flexibleFrom) writeTags(writer, header.unknownTags);
}

export interface ResponseHeader {
  readonly correlationId: number;
  readonly bodyAt: number;
  readonly unknownTags?: readonly UnknownTag[];
}

const API_VERSIONS = 18;

/** Clients ask ApiVersions before they know what the server speaks: the header of its answer stays the oldest one. */
function flexibleHeader(api: ApiTraits, version: number): boolean {
  return version >= api.flexibleFrom && api.key !== API_VERSIONS;
}

/** @throws MalformedFrame */
export function decodeResponseHeader(api: ApiTraits, version: number, frame: Uint8Array): ResponseHeader {
  const reader = new Reader(frame, 0, "response header", MAX_REQUEST_ITEMS);
  const correlationId = reader.int32("correlationId");
  const unknownTags = flexibleHeader(api, version) ? readTags(reader) : undefined;
  const header = { correlationId, bodyAt: reader.at };
  return unknownTags === undefined ? header : { ...header, unknownTags };
}

export function writeResponseHeader(writer: Writer, api: ApiTraits, version: number, header: Omit<ResponseHeader, "bodyAt">): void {
  writer.int32(header.correlationId, "correlationId");
  if (flexibleHeader(api, version)) writeTags(writer, header.unknownTags);
}

function readTags(reader: Reader): UnknownTag[] | undefined {
  let kept: UnknownTag[] | undefined;
  let tag = -1;
  for (let left = reader.tagCount("tags"); left > 0; left--) {
    tag = reader.tag(tag, "tags");
    const outer = reader.enter("tags");
    kept = reader.keep(kept, tag);
    reader.leave(outer, "tags");
  }
  return kept;
}

function writeTags(writer: Writer, tags: readonly UnknownTag[] = []): void {
  writer.uvarint(tags.length);
  writer.kept(tags, 0, Infinity);
}
