import type { Random } from "@ottla/host";

export interface BackoffBounds {
  readonly firstMs: number;
  readonly mostMs: number;
}

const JITTER_STEPS = 1024;
/** A process that is replaced, and a cluster that starts, is there within a second or two: so many tries are no further apart than this. */
const EAGER_TRIES = 20;
const EAGER_MS = 100;

/** How long to wait before the next try after `failures` failed ones (1, 2, …): doubling, soon at first and only later up to `mostMs`; between 80 and
 * 120 %, so that clients that lost one broker do not come back in step. */
export function backoffMs(random: Random, failures: number, { firstMs, mostMs }: BackoffBounds): number {
  const eager = Math.min(EAGER_MS, firstMs * 2 ** Math.min(failures - 1, 20));
  const whole = Math.min(mostMs, eager * 2 ** Math.min(Math.max(0, failures - EAGER_TRIES), 20));
  return whole * (0.8 + (0.4 * random.below(JITTER_STEPS)) / JITTER_STEPS);
}
