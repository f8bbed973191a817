import { expect, test } from "vitest";
import { Latencies } from "./latencies.ts";

test("quantiles are those of the sorted list, to a tenth of a millisecond", () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 100; ms += 1) latencies.add(ms - 0.05);
  expect(latencies.summary()).toEqual({ p50: 50, p99: 99, max: 100 });
});
