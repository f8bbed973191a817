import type { Clock, Timer } from "@ottla/host";
import type { Timeouts } from "./timeouts.ts";

/** A client that takes no answer for so long is cut off. */
const STALLED_MAX_MS = 30_000;
/** So is one that takes none for so long while others wait for the memory that its answers hold. */
const HINDERING_MAX_MS = 5_000;
const LOOK_EVERY_MS = 1_000;

export interface StallWatchOptions {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** Somebody waits for the memory of answers. */
  readonly contended: () => boolean;
  readonly stalled: (untakenMs: number, unsent: number) => void;
}

/** Notices a client that takes none of its answers. */
export class StallWatch {
  readonly #options: StallWatchOptions;
  #unsent = 0;
  /** When an answer was last taken, or the first of those that wait was ready. */
  #untakenSinceMs = 0;
  #timer: Timer | null = null;

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  ready(): void {
    if (this.#unsent++ === 0) this.#untakenSinceMs = this.#options.clock.monotonicMs();
    this.#timer ??= this.#options.timeouts.after(HINDERING_MAX_MS, () => this.#look());
  }

  taken(): void {
    this.#unsent--;
    this.#untakenSinceMs = this.#options.clock.monotonicMs();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    this.#timer = null;
    if (this.#unsent === 0) return;
    const { clock, timeouts, contended, stalled } = this.#options;
    const untakenMs = clock.monotonicMs() - this.#untakenSinceMs;
    if (untakenMs >= STALLED_MAX_MS || (untakenMs >= HINDERING_MAX_MS && contended())) return stalled(untakenMs, this.#unsent);
    this.#timer = timeouts.after(LOOK_EVERY_MS, () => this.#look());
  }
}
