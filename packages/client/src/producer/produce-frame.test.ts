import { pb } from "@ottla/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { produceFrame } from "./produce-frame.ts";

test("a frame made of parts is the message that the generated codec writes", () => {
  const partition = fc.record({
    topicId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    partition: fc.nat(),
    records: fc.uint8Array({ minLength: 1, maxLength: 40_000, size: "large" }),
  });
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(-1, 0, 1),
      fc.nat(),
      fc.array(partition, { maxLength: 4 }),
      (correlationId, acks, timeoutMs, partitions) => {
        const frame = Buffer.concat(produceFrame(correlationId, acks, timeoutMs, partitions));
        expect(frame.equals(pb.ProduceRequest.encode({ correlationId, acks, timeoutMs, partitions }))).toBe(true);
      },
    ),
  );
});
