import type { Random } from "@ottla/host";

export interface BackoffBounds {
  readonly firstMs: number;
  readonly mostMs: number;
}

const JITTER_STEPS = 1024;

/** How long to wait before the next try after `failures` failed ones (1, 2, …): doubling, between 80 and 120 %, so that clients that
 * lost one broker do not come back in step. */
export function backoffMs(random: Random, failures: number, { firstMs, mostMs }: BackoffBounds): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 20));
  return whole * (0.8 + (0.4 * random.below(JITTER_STEPS)) / JITTER_STEPS);
}
