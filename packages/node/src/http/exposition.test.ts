import { expect, test } from "vitest";
import { exposition } from "./exposition.ts";

test("metrics of one name from two parts share one header and keep their labels", () => {
  const text = exposition([
    { type: "gauge", name: "ottla_up", help: "Whether it runs.", values: [{ labels: { part: 'a"b\\c' }, value: 1 }] },
    { type: "gauge", name: "ottla_up", help: "Whether it runs.", values: [{ labels: {}, value: 0 }] },
  ]);
  expect(text).toBe('# HELP ottla_up Whether it runs.\n# TYPE ottla_up gauge\nottla_up{part="a\\"b\\\\c"} 1\nottla_up 0\n');
});

test("a histogram ends with its infinite bucket, sum and count", () => {
  const text = exposition([
    {
      type: "histogram",
      name: "t_seconds",
      help: "Time.",
      values: [
        {
          labels: { op: "x" },
          buckets: [
            [0.1, 2],
            [1, 3],
          ],
          sum: 2.5,
          count: 4,
        },
      ],
    },
  ]);
  expect(text.split("\n").slice(2, -1)).toEqual([
    't_seconds_bucket{op="x",le="0.1"} 2',
    't_seconds_bucket{op="x",le="1"} 3',
    't_seconds_bucket{op="x",le="+Inf"} 4',
    't_seconds_sum{op="x"} 2.5',
    't_seconds_count{op="x"} 4',
  ]);
});
