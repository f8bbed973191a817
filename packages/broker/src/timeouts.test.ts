import { ManualClock } from "@ottla/host";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteBudget } from "./byte-budget.ts";
import { Timeouts } from "./timeouts.ts";

test("every timeout that is not cancelled runs once, never early, at most its grain late", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ delayMs: fc.nat(5000), cancelled: fc.boolean() }), { maxLength: 50 }), async (wanted) => {
      const clock = new ManualClock();
      const timeouts = new Timeouts(clock);
      const ran = new Map<number, number>();
      const timers = wanted.map(({ delayMs }, i) => timeouts.after(delayMs, () => ran.set(i, clock.monotonicMs())));
      wanted.forEach(({ cancelled }, i) => cancelled && timers[i]?.cancel());
      await clock.advance(6000);
      wanted.forEach(({ delayMs, cancelled }, i) => {
        const atMs = ran.get(i);
        if (cancelled) expect(atMs).toBeUndefined();
        else {
          expect(atMs).toBeGreaterThanOrEqual(delayMs);
          expect(atMs).toBeLessThanOrEqual(delayMs + (delayMs < 1000 ? 10 : 100));
        }
      });
    }),
    { numRuns: 50 },
  );
});

test("a timeout that another one cancels in the same moment does not run", async () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const ran: string[] = [];
  timeouts.after(10, () => {
    ran.push("first");
    second.cancel();
  });
  const second = timeouts.after(10, () => ran.push("second"));
  await clock.advance(100);
  expect(ran).toEqual(["first"]);
});

test("who finds too little of a budget waits in line, and one that wants more than there is gets all of it", async () => {
  const budget = new ByteBudget(10);
  const order: string[] = [];
  const { signal } = new AbortController();
  expect(budget.tryTake(8)).toBe(8);
  const large = budget.take(100, signal).then((taken) => order.push(`large ${taken}`));
  const small = budget.take(1, signal).then((taken) => order.push(`small ${taken}`));
  expect(budget.tryTake(1)).toBeNull();
  budget.give(8);
  await large;
  budget.give(10);
  await small;
  expect(order).toEqual(["large 10", "small 1"]);
  expect(budget.used).toBe(1);
});

test("who stops waiting for a budget leaves the line to the next", async () => {
  const budget = new ByteBudget(10);
  budget.tryTake(10);
  const gone = new AbortController();
  const first = budget.take(10, gone.signal);
  const second = budget.take(4, new AbortController().signal);
  gone.abort(new Error("gone"));
  await expect(first).rejects.toThrow("gone");
  budget.give(4);
  expect(await second).toBe(4);
  expect(budget.used).toBe(10);
});
