import type { Clock, Random, Timer } from "@ottla/host";
import { backoffMs } from "../connection/backoff.ts";
import type { Lane } from "./lane.ts";

const RETRY = { firstMs: 20, mostMs: 1_000 };

/** Lanes that are held back for a moment, which grows while they fail. */
export class Pauses {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #over: (lane: Lane) => void;
  readonly #held = new Map<Lane, { readonly timer: Timer; readonly untilMs: number }>();

  constructor(clock: Clock, random: Random, over: (lane: Lane) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#over = over;
  }

  /** One that is held back already stays so no longer than it would have: but so long, although an acknowledgement may have come meanwhile. */
  add(lane: Lane): void {
    const held = this.#held.get(lane);
    if (held !== undefined) {
      lane.retryAtMs = held.untilMs;
      return;
    }
    const pauseMs = backoffMs(this.#random, ++lane.failures, RETRY);
    const untilMs = this.#clock.monotonicMs() + pauseMs;
    lane.retryAtMs = untilMs;
    const timer = this.#clock.after(pauseMs, () => {
      this.#held.delete(lane);
      lane.retryAtMs = Number.NEGATIVE_INFINITY;
      this.#over(lane);
    });
    this.#held.set(lane, { timer, untilMs });
  }

  /** What held the lane back no longer counts. */
  end(lane: Lane): void {
    const held = this.#held.get(lane);
    if (held === undefined) return;
    held.timer.cancel();
    this.#held.delete(lane);
    lane.retryAtMs = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    for (const { timer } of this.#held.values()) timer.cancel();
  }
}
