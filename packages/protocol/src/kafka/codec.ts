import { assert } from "../assert.ts";
import type { Api, ApiTraits } from "./api.ts";
import { decodeResponseHeader, writeRequestHeader, writeResponseHeader, type RequestHeader, type ResponseHeader } from "./header.ts";
import { MAX_REQUEST_ITEMS, MAX_RESPONSE_ITEMS } from "./limits.ts";
import type { Message } from "./message.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

// Encoding is synchronous, so one is enough.
const writer = new Writer();

/** Reads the body of a request, which begins at byte `at` of the frame. Fields of type bytes are views of the frame.
 * @param version one of those that the table of APIs knows
 * @throws MalformedFrame */
export function decodeRequest<Req>(api: Api<Req>, version: number, frame: Uint8Array, at: number): Req {
  assertKnown(api, version);
  // Bytes behind the last field are passed over, as Kafka does: librdkafka 2.16 asks for all topics with three zeros too many.
  return api.request.read(version)(new Reader(frame, at, api.request.title(version), MAX_REQUEST_ITEMS));
}

/** @returns the frame in parts, without its size; large bytes are not copied: they must not change before the frame is sent */
export function encodeRequest<Written>(
  api: Api<unknown, never, Written>,
  version: number,
  header: Pick<RequestHeader, "correlationId" | "clientId" | "unknownTags">,
  request: Written,
): Uint8Array[] {
  return encode(api, api.request, version, request, () => writeRequestHeader(writer, api, { ...header, apiVersion: version }));
}

/** @param version that of the request
 * @throws MalformedFrame */
export function decodeResponse<Read>(
  api: Api<unknown, never, never, Read>,
  version: number,
  frame: Uint8Array,
): ResponseHeader & { readonly body: Read } {
  const header = decodeResponseHeader(api, version, frame);
  const reader = new Reader(frame, header.bodyAt, api.response.title(version), MAX_RESPONSE_ITEMS);
  return { ...header, body: decode(api, api.response, version, reader) };
}

/** @returns as {@link encodeRequest} */
export function encodeResponse<Res>(
  api: Api<unknown, Res>,
  version: number,
  correlationId: number,
  response: Res,
  unknownTags: ResponseHeader["unknownTags"] = [],
): Uint8Array[] {
  return encode(api, api.response, version, response, () => writeResponseHeader(writer, api, version, { correlationId, unknownTags }));
}

function decode<R>(api: ApiTraits, message: Message<R, never>, version: number, reader: Reader): R {
  assertKnown(api, version);
  const value = message.read(version)(reader);
  reader.finish();
  return value;
}

function encode<W>(api: ApiTraits, message: Message<unknown, W>, version: number, value: W, writeHeader: () => void): Uint8Array[] {
  assertKnown(api, version);
  try {
    writeHeader();
    message.write(version)(writer, value);
    return writer.finish();
  } finally {
    writer.reset();
  }
}

function assertKnown(api: ApiTraits, version: number): void {
  const [min, max] = api.versions;
  assert(min <= version && version <= max, `${api.name} is known from version ${min} to ${max}, not in version ${version}`);
}
