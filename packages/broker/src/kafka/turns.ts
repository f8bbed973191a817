import type { Clock } from "@ottla/host";

/** What one connection may start in one turn of the event loop: so many small requests, or 4 MiB. */
const SHARE = 64;
const BYTES_EACH = 65_536;
/** A request of so many parts takes tens of milliseconds before anybody else has a turn. */
const MANY_ITEMS = 2000;

/** Takes care that connections get their turns: one that says more than its share goes on after the others have been heard. */
export class Turns {
  readonly #clock: Clock;
  readonly #spent = new Map<object, number>();
  #armed = false;
  /** One with very many parts was started in this turn. */
  #heavy = false;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before a message is read that may have very many parts: of all connections together one such is started in a turn.
   * @returns null, or what to wait for before asking again */
  mayStart(): Promise<void> | null {
    return this.#heavy ? new Promise((resolve) => this.#waiting.push(resolve)) : null;
  }

  /** A request of so many bytes and parts was started.
   * @returns null, or what to wait for before the next */
  take(owner: object, bytes: number, items: number): Promise<void> | null {
    if (!this.#armed) {
      this.#armed = true;
      this.#clock.soon(() => this.#next());
    }
    if (items > MANY_ITEMS) this.#heavy = true;
    const spent = (this.#spent.get(owner) ?? 0) + 1 + bytes / BYTES_EACH;
    this.#spent.set(owner, spent);
    return spent < SHARE ? null : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #next(): void {
    this.#armed = false;
    this.#heavy = false;
    this.#spent.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }
}
