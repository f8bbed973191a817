import type { Clock, Timer } from "@ottla/host";

/** While a leader cannot be reached its successor is looked for so often, less often after a while, and at most so many times before somebody misses it
 * again. */
const FIRST_MS = 100;
const EAGER_TIMES = 20;
const MOST_MS = 500;
const GROWTH = 1.5;
const TIMES = 35;

/** Looks again and again for who leads: whoever waits for a leader does not wait for his own next try. */
export class Hunt {
  readonly #clock: Clock;
  readonly #look: () => void;
  #timer: Timer | null = null;
  #left = 0;
  #pauseMs = FIRST_MS;

  constructor(clock: Clock, look: () => void) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Somebody misses a leader. */
  begin(): void {
    this.#left = TIMES;
    this.#pauseMs = FIRST_MS;
  }

  /** The last look did not find one. */
  goOn(): void {
    if (this.#timer !== null || this.#left === 0) return;
    this.#left--;
    this.#timer = this.#clock.after(this.#pauseMs, () => {
      this.#timer = null;
      this.#look();
    });
    if (this.#left <= TIMES - EAGER_TIMES) this.#pauseMs = Math.min(MOST_MS, this.#pauseMs * GROWTH);
  }

  end(): void {
    this.#left = 0;
    this.#timer?.cancel();
    this.#timer = null;
  }
}
