import type { Timeouts } from "../timeouts.ts";

/** How far this broker has acted on the controller's log: every change up to `value` is in the image, and its partitions are open. */
export class AppliedIndex {
  #value = 0;
  readonly #timeouts: Timeouts;
  readonly #onAdvance: () => void;
  readonly #running: { readonly index: number; done: boolean }[] = [];
  #waiting: { readonly index: number; readonly resolve: () => void }[] = [];

  constructor(timeouts: Timeouts, onAdvance: () => void) {
    this.#timeouts = timeouts;
    this.#onAdvance = onAdvance;
  }

  get value(): number {
    return this.#value;
  }

  /** `work` is what the change that led to `index` takes. Later indexes wait for it. */
  track(index: number, work: Promise<void>): void {
    const step = { index, done: false };
    this.#running.push(step);
    void work.finally(() => {
      step.done = true;
      this.#advance();
    });
  }

  /** Resolves once `index` is applied, or after `timeoutMs` all the same. */
  reached(index: number, timeoutMs: number): Promise<void> {
    if (index <= this.#value) return Promise.resolve();
    return new Promise((resolve) => {
      const entry = { index, resolve: () => (timer.cancel(), resolve()) };
      const timer = this.#timeouts.after(timeoutMs, () => {
        this.#waiting = this.#waiting.filter((each) => each !== entry);
        resolve();
      });
      this.#waiting.push(entry);
    });
  }

  #advance(): void {
    const before = this.#value;
    while (this.#running[0]?.done) this.#value = this.#running.shift()?.index ?? this.#value;
    if (this.#value === before) return;
    const due = this.#waiting.filter(({ index }) => index <= this.#value);
    if (due.length > 0) this.#waiting = this.#waiting.filter(({ index }) => index > this.#value);
    for (const { resolve } of due) resolve();
    this.#onAdvance();
  }
}
