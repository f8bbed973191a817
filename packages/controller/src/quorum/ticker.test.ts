import { ManualClock } from "@ottla/host";
import { expect, test } from "vitest";
import { Ticker } from "./ticker.ts";

function ticker(quiet: { ticks: number | null }) {
  const clock = new ManualClock();
  let ticks = 0;
  const made = new Ticker(
    clock,
    () => quiet.ticks,
    () => ticks++,
  );
  return { clock, ticker: made, ticks: () => ticks };
}

test("who waits for nothing has no timer at all", async () => {
  const { clock, ticker: alone, ticks } = ticker({ ticks: null });
  alone.start();
  expect(clock.timeline.idle).toBe(true);
  await clock.advance(10_000);
  expect(ticks()).toBe(0);
});

test("what is due at once happens within start", () => {
  const quiet: { ticks: number | null } = { ticks: 0 };
  const { ticker: single, ticks } = ticker(quiet);
  single.start();
  expect(ticks()).toBe(1);
});

test("three seconds are three hundred ticks, whether somebody else wakes the voter or nobody", async () => {
  for (const wokenEveryMs of [200, 3000]) {
    const { clock, ticker: follower, ticks } = ticker({ ticks: 150 });
    follower.start();
    for (let passedMs = 0; passedMs < 3000; passedMs += wokenEveryMs) {
      await clock.advance(wokenEveryMs);
      follower.adjust();
    }
    expect(ticks()).toBe(300);
  }
});

test("a deadline that comes closer is met, and none passes after the end", async () => {
  const quiet: { ticks: number | null } = { ticks: 150 };
  const { clock, ticker: follower, ticks } = ticker(quiet);
  follower.start();
  quiet.ticks = 2;
  follower.adjust();
  await clock.advance(20);
  expect(ticks()).toBe(2);
  follower.stop();
  await clock.advance(1000);
  expect(ticks()).toBe(2);
  expect(clock.timeline.idle).toBe(true);
});
