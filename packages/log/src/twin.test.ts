import fc from "fast-check";
import { test } from "vitest";
import type { LogSettings } from "./settings.ts";
import { Pair, step } from "./twin.test.kit.ts";

test("a log behaves as a plain list does, whatever happens to it in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0, 400, 100_000),
      fc.constantFrom<LogSettings["flush"]>({ kind: "commit" }, { kind: "os" }, { kind: "interval", ms: 10 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      async (steps, cacheBytes, flush, seed) => {
        const pair = new Pair(seed, cacheBytes, { flush, segmentBytes: 600, indexIntervalBytes: 50, retentionBytes: 2_500 });
        await pair.open();
        for (const one of steps) await pair.take(one);
        await pair.same();
      },
    ),
    {
      numRuns: 1_500,
      examples: [
        // The log's directory did not outlive the power, what the directory of logs says of it did.
        [
          [
            { kind: "append", records: 2, timestamp: 0, newEpoch: false },
            { kind: "delete", where: 0.5, bytes: 1 },
            { kind: "power" },
            { kind: "append", records: 1, timestamp: 0, newEpoch: false },
          ],
          0,
          { kind: "os" },
          23_065,
        ],
      ],
    },
  );
});
