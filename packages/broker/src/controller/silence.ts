import type { Clock } from "@ottla/host";

/** A controller that owes an answer and says nothing for so long is given up. */
export const SILENCE_MAX_MS = 2000;

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
    const lateMs = Math.max(0, nowMs - this.#checkedMs - 2 * this.#intervalMs);
    this.#checkedMs = nowMs;
    if (this.#sinceMs === null) return false;
    if (lateMs > 0) this.#sinceMs = Math.min(nowMs, this.#sinceMs + lateMs + this.#intervalMs);
    return nowMs - this.#sinceMs > SILENCE_MAX_MS;
  }
}
