import type { Clock, Timer } from "../clock.ts";

export class ManualClock implements Clock {
  monotonicMs(): number { return 0; }
  wallMs(): number { return 0; }
  after(delayMs: number, run: () => void): Timer { throw new Error(`${delayMs} ${run}`); }
  soon(run: () => void): Timer { throw new Error(`${run}`); }
  /** Runs everything due in the next `ms`, in order of due time, letting promises settle in between. */
  advance(ms: number): Promise<void> { throw new Error(`${ms}`); }
  /** Runs events until `predicate` holds. @throws Error when `limitMs` of virtual time pass or nothing is left to run */
  runUntil(predicate: () => boolean, limitMs?: number): Promise<void> { throw new Error(`${predicate} ${limitMs}`); }
  /** Runs events until the promise settles. */
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T> { throw new Error(`${promise} ${limitMs}`); }
}
