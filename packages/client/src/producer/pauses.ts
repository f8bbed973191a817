import type { Clock, Random, Timer } from "@ottla/host";
import { backoffMs } from "../connection/backoff.ts";
import type { Lane } from "./lane.ts";

const RETRY = { firstMs: 20, mostMs: 1_000 };

/** Lanes that are held back for a moment, which grows while they fail. */
export class Pauses {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #over: (lane: Lane) => void;
  readonly #timers = new Map<Lane, Timer>();

  constructor(clock: Clock, random: Random, over: (lane: Lane) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#over = over;
  }

  /** One that is held back already stays so no longer than it would have. */
  add(lane: Lane): void {
    if (this.#timers.has(lane)) return;
    const pauseMs = backoffMs(this.#random, ++lane.failures, RETRY);
    lane.retryAtMs = this.#clock.monotonicMs() + pauseMs;
    const timer = this.#clock.after(pauseMs, () => {
      this.#timers.delete(lane);
      lane.retryAtMs = Number.NEGATIVE_INFINITY;
      this.#over(lane);
    });
    this.#timers.set(lane, timer);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
  }
}
