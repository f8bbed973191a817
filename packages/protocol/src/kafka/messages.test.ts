import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Api } from "./api.ts";
import { apis } from "./apis.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./codec.ts";
import { decodeRequestHeader } from "./header.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { arbitraryOf } from "./messages.test.kit.ts";

type AnyApi = Api<unknown, unknown, unknown>;
const all: readonly AnyApi[] = Object.values(apis) as unknown as AnyApi[];

function versionsOf(api: AnyApi): number[] {
  const [min, max] = api.versions;
  return Array.from({ length: max - min + 1 }, (_, i) => min + i);
}

function requestOf(api: AnyApi, version: number): fc.Arbitrary<unknown> {
  return arbitraryOf(api.request.type, version, version >= api.flexibleFrom);
}

function responseOf(api: AnyApi, version: number): fc.Arbitrary<unknown> {
  return arbitraryOf(api.response.type, version, version >= api.flexibleFrom);
}

const header = { correlationId: 7, clientId: "a client" };

function readRequest(api: AnyApi, frame: Uint8Array): unknown {
  const { apiKey, apiVersion, bodyAt } = decodeRequestHeader(frame);
  expect(apiKey).toBe(api.key);
  return decodeRequest(api, apiVersion, frame, bodyAt);
}

describe.each(all.map((api) => [api.name, api] as const))("%s", (_, api) => {
  test("reads what was written, in every version", () => {
    for (const version of versionsOf(api)) {
      const runs = { numRuns: 8 };
      fc.assert(
        fc.property(requestOf(api, version), (request) => {
          expect(readRequest(api, joined(encodeRequest(api, version, header, request)))).toEqual(request);
        }),
        runs,
      );
      fc.assert(
        fc.property(responseOf(api, version), (response) => {
          const { correlationId, body } = decodeResponse(api, version, joined(encodeResponse(api, version, 7, response)));
          expect({ correlationId, body }).toEqual({ correlationId: 7, body: response });
        }),
        runs,
      );
    }
  });

  test("refuses a message that is cut off at any byte, and an answer that goes on too long", () => {
    for (const version of versionsOf(api)) {
      const [request] = fc.sample(requestOf(api, version), { numRuns: 1, seed: version });
      const [response] = fc.sample(responseOf(api, version), { numRuns: 1, seed: version });
      const asked = joined(encodeRequest(api, version, header, request));
      const answered = joined(encodeResponse(api, version, 7, response));
      for (const [frame, read] of [
        [asked, (cut: Uint8Array) => readRequest(api, cut)],
        [answered, (cut: Uint8Array) => decodeResponse(api, version, cut)],
      ] as const) {
        const step = Math.max(1, Math.floor(frame.length / 400));
        for (let length = 0; length < frame.length; length += step) expectMalformed(() => read(frame.slice(0, length)));
      }
      expectMalformed(() => decodeResponse(api, version, Buffer.concat([answered, Buffer.of(0)])));
      expect(readRequest(api, Buffer.concat([asked, Buffer.of(0)]))).toEqual(readRequest(api, asked));
    }
  });

  test("finds nothing but malformed frames in damaged ones", () => {
    for (const version of versionsOf(api)) {
      fc.assert(
        fc.property(requestOf(api, version), fc.nat(), fc.nat(255), (request, at, byte) => {
          const frame = joined(encodeRequest(api, version, header, request));
          const { bodyAt } = decodeRequestHeader(frame);
          if (bodyAt === frame.length) return;
          frame[bodyAt + (at % (frame.length - bodyAt))] = byte;
          expectMalformedOrRead(() => decodeRequest(api, version, frame, bodyAt));
        }),
        { numRuns: 6 },
      );
    }
  });
});

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Asks the matcher only where something is wrong: there are hundreds of thousands of cuts. */
function expectMalformed(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (error instanceof MalformedFrame) return;
    throw error;
  }
  expect.fail("the damaged message was read");
}

function expectMalformedOrRead(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof MalformedFrame)) throw error;
  }
}
