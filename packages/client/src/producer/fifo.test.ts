import fc from "fast-check";
import { expect, test } from "vitest";
import { Fifo } from "./fifo.ts";

test("behaves as an array does", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constant("shift" as const), fc.constant("remove" as const)), {
        maxLength: 30,
      }),
      (steps) => {
        const fifo = new Fifo<object>();
        let twin: object[] = [];
        for (const step of steps) {
          if (typeof step === "number") {
            for (let at = 0; at < step; at++) {
              const item = { at };
              fifo.push(item);
              twin.push(item);
            }
          } else if (step === "shift") {
            for (let at = 0; at < 1_500; at++) expect(fifo.shift()).toBe(twin.shift());
          } else {
            const middle = twin[Math.floor(twin.length / 2)];
            if (middle) fifo.remove(middle);
            twin = twin.filter((item) => item !== middle);
          }
          expect(fifo.length).toBe(twin.length);
          expect(fifo.first).toBe(twin[0]);
          expect([...fifo]).toEqual(twin);
        }
      },
    ),
    { numRuns: 50 },
  );
});
