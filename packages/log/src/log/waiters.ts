/** Those who wait for an offset to be passed. */
export class Waiters {
  #waiting: { offset: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  wait(offset: number): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ offset, resolve, reject }));
  }

  advance(offset: number): void {
    if (this.#waiting.length === 0) return;
    const passed = this.#waiting.filter((waiter) => waiter.offset <= offset);
    if (passed.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => waiter.offset > offset);
    for (const waiter of passed) waiter.resolve();
  }

  fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) waiter.reject(error);
  }
}
