/** Above it the event loop would notice; below it a synchronous call costs less than a trip through the thread pool. */
const SLOW_MS = 2;
/** What copying alone may take. */
const MS_PER_BYTE = 1 / (1 << 20);
const WEIGHT = 0.2;

/** Whether one kind of disk operation is quick enough at present to be done on the event loop.
 * Operations that go through the thread pool are timed as well, which is how a disk that recovers is noticed. */
export class Pace {
  #averageMs = 0;

  get quick(): boolean {
    return this.#averageMs < SLOW_MS;
  }

  took(ms: number, bytes: number): void {
    const delayMs = Math.max(0, ms - bytes * MS_PER_BYTE);
    this.#averageMs += (delayMs - this.#averageMs) * WEIGHT;
  }
}
