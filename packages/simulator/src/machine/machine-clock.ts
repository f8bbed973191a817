import type { Clock, Timer } from "@ottla/host";

/** The clock of one life of a machine that can be frozen, and whose wall clock can be wrong. */
export class MachineClock implements Clock {
  readonly #clock: Clock;
  readonly #wallOffsetMs: () => number;
  readonly #onRun: () => void;
  #held: (() => void)[] | null = null;

  /** @param onRun called whenever something goes on in the process */
  constructor(clock: Clock, wallOffsetMs: () => number, onRun: () => void) {
    this.#clock = clock;
    this.#wallOffsetMs = wallOffsetMs;
    this.#onRun = onRun;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  wallMs(): number {
    return this.#clock.wallMs() + this.#wallOffsetMs();
  }

  after(delayMs: number, run: () => void): Timer {
    let cancelled = false;
    const timer = this.#clock.after(delayMs, () =>
      this.whenThawed(() => {
        if (!cancelled) run();
      }),
    );
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  soon(run: () => void): Timer {
    return this.after(0, run);
  }

  /** Now, or once the machine goes on: what comes due while a process is stopped happens when it continues, in order. */
  whenThawed(run: () => void): void {
    this.#onRun();
    if (this.#held === null) run();
    else this.#held.push(run);
  }

  freeze(): void {
    this.#held ??= [];
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const run of held)
      this.#clock.soon(() => {
        this.#onRun();
        run();
      });
  }
}
