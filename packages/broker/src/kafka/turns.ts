import type { Clock } from "@ottla/host";

/** What one connection may start in one turn of the event loop: so many small requests, or 4 MiB. */
const SHARE = 64;
const BYTES_EACH = 65_536;

/** Takes care that connections get their turns: one that says more than its share goes on after the others have been heard. */
export class Turns {
  readonly #clock: Clock;
  readonly #spent = new Map<object, number>();
  #armed = false;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request of so many bytes was started.
   * @returns null, or what to wait for before the next */
  take(owner: object, bytes: number): Promise<void> | null {
    if (!this.#armed) {
      this.#armed = true;
      this.#clock.soon(() => this.#next());
    }
    const spent = (this.#spent.get(owner) ?? 0) + 1 + bytes / BYTES_EACH;
    this.#spent.set(owner, spent);
    return spent < SHARE ? null : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #next(): void {
    this.#armed = false;
    this.#spent.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }
}
