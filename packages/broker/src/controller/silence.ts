import type { Clock } from "@ottla/host";

/** A controller that owes an answer and says nothing for so long is given up. Shorter than an election and the time a broker then has to come
 * back: whose metadata came from the frozen leader too hears of the new one only by asking. */
export const SILENCE_MAX_MS = 1000;

/** How long a controller has said nothing although it was spoken to. Time in which this process could not run is charged to nobody. */
export class Silence {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #sinceMs: number | null = null;
  #checkedMs: number;

  /** @param intervalMs between two calls of `exceeded` */
  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#checkedMs = clock.monotonicMs();
  }

  spoken(): void {
    this.#sinceMs ??= this.#clock.monotonicMs();
  }

  heard(): void {
    this.#sinceMs = null;
  }

  exceeded(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = nowMs - this.#checkedMs;
    this.#checkedMs = nowMs;
    if (this.#sinceMs === null) return false;
    if (elapsedMs > 2 * this.#intervalMs) this.#sinceMs = Math.min(nowMs, this.#sinceMs + elapsedMs);
    return nowMs - this.#sinceMs >= SILENCE_MAX_MS;
  }
}
