import fc from "fast-check";
import { pb, ProtocolError } from "@ottla/protocol";
import { expect, test } from "vitest";
import type { Message } from "../raft/index.ts";
import { decodeMessage, encodeMessage } from "./messages.ts";

const number = fc.maxSafeNat();
const voters = [1, 3].map((nodeId) => ({ nodeId, directoryId: `0${nodeId}`.repeat(16) }));
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constant("vote-request"), term: number, preVote: fc.boolean(), last: fc.record({ index: number, term: number }) }),
  fc.record({ kind: fc.constant("vote-reply"), term: number, preVote: fc.boolean(), granted: fc.boolean() }),
  fc.record({ kind: fc.constant("append-reply"), term: number, success: fc.boolean(), matchIndex: number, round: number }),
  fc.record({ kind: fc.constant("timeout-now"), term: number, last: fc.record({ index: number, term: number }) }),
  fc
    .record({ index: fc.nat(), terms: fc.array(fc.nat(3)), data: fc.uint8Array({ maxLength: 40 }), commitIndex: number, round: number })
    .map(({ index, terms, data, commitIndex, round }) => {
      let term = 1;
      const entries = terms.map((step, i) => ({
        index: index + 1 + i,
        term: (term += step),
        data: data.subarray(i),
        voters: i % 2 === 0 ? null : voters,
      }));
      return { kind: "append-request" as const, term: term + 1, previous: { index, term: 1 }, commitIndex, round, entries };
    }),
);

test("every message comes back as it was sent", () => {
  fc.assert(
    fc.property(message, (sent) => {
      expect(decodeMessage(pb.RaftMessage.decode(encodeMessage(sent)))).toEqual(sent);
    }),
  );
});

test("whatever arrives, it is a message or an INVALID_REQUEST", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(decodeMessage(pb.RaftMessage.decode(bytes)).term).toBeGreaterThanOrEqual(0);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect(error).toHaveProperty("error", "INVALID_REQUEST");
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  [
    "a gap",
    [
      { index: 6, term: 2 },
      { index: 8, term: 2 },
    ],
  ],
  ["a first entry that does not follow", [{ index: 7, term: 2 }]],
  [
    "a falling term",
    [
      { index: 6, term: 3 },
      { index: 7, term: 2 },
    ],
  ],
  ["a term above the leader's", [{ index: 6, term: 9 }]],
])("entries with %s are refused", (_what, positions) => {
  const entries = positions.map((position) => ({ ...position, data: new Uint8Array(1), voters: undefined }));
  const value = { previousIndex: 5, previousTerm: 2, commitIndex: 0, round: 0, entries };
  const bytes = pb.RaftMessage.encode({ term: 4, message: { case: "appendRequest", value } });
  expect(() => decodeMessage(pb.RaftMessage.decode(bytes))).toThrow(/indexes rise by one, terms never fall/);
});
