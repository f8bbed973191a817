import { setTimeout as sleep } from "node:timers/promises";

/** Lets so many records a second pass, evenly. */
export class Pace {
  readonly #perSecond: number | undefined;
  readonly #startMs = performance.now();
  #passed = 0;

  constructor(perSecond: number | undefined) {
    this.#perSecond = perSecond;
  }

  async next(signal: AbortSignal): Promise<void> {
    if (this.#perSecond === undefined) return;
    const dueMs = this.#startMs + (this.#passed * 1000) / this.#perSecond;
    this.#passed += 1;
    const waitMs = dueMs - performance.now();
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
}
