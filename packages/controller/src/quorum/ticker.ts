import type { Clock, Timer } from "@ottla/host";

const TICK_MS = 10;
/** Longest sleep. A timer that comes late counts as this much at most, so that a process that stood still does not blame its peers. Longer than the usual
 * time between two heartbeats: whoever hears them is woken by them alone. */
const MAX_TICKS = 30;
/** Whoever is awake anyway counts the time that has passed if it is at least so long, and sleeps anew: a voter that hears its leader needs no timer to wake it. */
const EARLY_TICKS = 5;

/** Turns time into ticks, waking only as often as something can come of it: a voter that waits for nothing has no timer at all. */
export class Ticker {
  readonly #clock: Clock;
  readonly #quietTicks: () => number | null;
  readonly #tick: () => void;
  #timer: Timer | null = null;
  #armedTicks = 0;
  #armedMs = 0;
  #running = false;

  constructor(clock: Clock, quietTicks: () => number | null, tick: () => void) {
    this.#clock = clock;
    this.#quietTicks = quietTicks;
    this.#tick = tick;
  }

  start(): void {
    this.#running = true;
    if (this.#quietTicks() === 0) this.#tick();
    this.adjust();
  }

  /** To be called after anything that may have brought the next deadline closer. */
  adjust(): void {
    if (!this.#running) return;
    if (this.#timer !== null) {
      const passed = Math.min(MAX_TICKS, Math.floor((this.#clock.monotonicMs() - this.#armedMs) / TICK_MS));
      if (passed >= EARLY_TICKS) {
        this.#cancel();
        return this.#wake(passed);
      }
    }
    const quiet = this.#quietTicks();
    if (quiet === null) return this.#cancel();
    const ticks = Math.max(1, Math.min(quiet, MAX_TICKS));
    if (this.#timer !== null && this.#armedTicks <= ticks) return;
    this.#cancel();
    this.#armedTicks = ticks;
    this.#armedMs = this.#clock.monotonicMs();
    this.#timer = this.#clock.after(ticks * TICK_MS, () => this.#wake(ticks));
  }

  stop(): void {
    this.#running = false;
    this.#cancel();
  }

  #wake(ticks: number): void {
    this.#timer = null;
    for (let i = 0; i < ticks && this.#running; i++) this.#tick();
    this.adjust();
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
