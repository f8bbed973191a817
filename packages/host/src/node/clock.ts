import type { Clock, Timer } from "../clock.ts";

/** setTimeout fires at once for a longer delay than this. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run): Timer {
    let timer: NodeJS.Timeout;
    const start = (remainingMs: number): void => {
      timer = setTimeout(
        () => (remainingMs > LONGEST_TIMEOUT_MS ? start(remainingMs - LONGEST_TIMEOUT_MS) : run()),
        Math.min(remainingMs, LONGEST_TIMEOUT_MS),
      );
    };
    start(Math.max(0, Math.ceil(delayMs)));
    return { cancel: () => clearTimeout(timer) };
  },
  soon(run): Timer {
    const immediate = setImmediate(run);
    return { cancel: () => clearImmediate(immediate) };
  },
};
