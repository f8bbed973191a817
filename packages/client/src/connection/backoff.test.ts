import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

test("tries follow each other closely for about two seconds, and up to the most apart afterwards", () => {
  const middling = {
    below: (bound: number) => bound / 2,
    bytes: (length: number) => new Uint8Array(length),
    uuid: () => new Uint8Array(16),
  };
  const pauses = Array.from({ length: 30 }, (_, at) => Math.round(backoffMs(middling, at + 1, { firstMs: 20, mostMs: 1_000 })));
  expect(pauses.slice(0, 5)).toEqual([20, 40, 80, 100, 100]);
  expect(pauses.slice(19, 26)).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
});
