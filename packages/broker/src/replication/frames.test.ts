import { pb, ProtocolError } from "@ottla/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFrame, encodeFrame } from "./frames.ts";

const id = Uint8Array.from({ length: 16 }, (_, at) => at);

test("a data frame comes back as it was, its parts one after the other", () => {
  const part = (size: number): pb.DataPart =>
    pb.DataPart.create({
      topicId: id,
      partition: 3,
      leaderEpoch: 7,
      baseOffset: 40,
      sizeBytes: size,
      highWatermark: 39,
      logStartOffset: 2,
    });
  const bodies = [new Uint8Array([1, 2, 3]), new Uint8Array([4, 5])];
  const sent = encodeFrame("data", { parts: [part(3), part(2)] }, bodies);
  const came = decodeFrame(Buffer.concat(sent));
  if (came.kind !== "data") throw new Error(`a frame of kind ${came.kind} came`);
  expect(came.header.parts.map(({ sizeBytes, baseOffset }) => [sizeBytes, baseOffset])).toEqual([
    [3, 40],
    [2, 40],
  ]);
  expect([...came.body]).toEqual([1, 2, 3, 4, 5]);
});

test("bytes that are no frame are refused, whatever they are", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc
      .tuple(fc.constantFrom(1, 2, 3, 11, 12, 13, 14, 15, 16), fc.nat(80), fc.uint8Array({ maxLength: 60 }))
      .map(([kind, length, rest]) => Uint8Array.from([kind, 0, 0, 0, length, ...rest])),
  );
  fc.assert(
    fc.property(bytes, (frame) => {
      try {
        const { body } = decodeFrame(frame);
        expect(body.length).toBeLessThanOrEqual(frame.length - 5);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 3000 },
  );
});
