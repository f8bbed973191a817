import type { Clock } from "../clock.ts";

/** What traffic from one machine to another suffers. */
export interface Trouble {
  /** Added to every frame and to both ways of a dial. */
  readonly delayMs?: number | (() => number);
  /** Nothing arrives while it lasts; afterwards everything does. For one direction only: the other needs its own. */
  readonly stalled?: boolean;
  /** New sessions and probes are refused, as if nothing listened. */
  readonly refused?: boolean;
}

/** One direction of one session. Order is kept whatever the delays; nothing passes while it is stalled. */
export class MemoryWire {
  readonly #clock: Clock;
  readonly #trouble: () => Trouble;
  #waiting: (() => void)[] = [];
  #cut = false;
  #releasing = false;
  #lastDueMs = 0;

  constructor(clock: Clock, trouble: () => Trouble) {
    this.#clock = clock;
    this.#trouble = trouble;
  }

  carry(deliver: () => void): void {
    const { delayMs = 0 } = this.#trouble();
    const nowMs = this.#clock.monotonicMs();
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + (typeof delayMs === "number" ? delayMs : delayMs()));
    if (this.#lastDueMs <= nowMs) this.#arrive(deliver);
    else this.#clock.after(this.#lastDueMs - nowMs, () => this.#arrive(deliver));
  }

  /** Looks again whether what is held may pass: one after the other, each as an event of its own. */
  release(): void {
    if (this.#releasing || this.#cut || this.#waiting.length === 0 || this.#stalled) return;
    this.#releasing = true;
    this.#clock.soon(() => {
      this.#releasing = false;
      if (this.#cut || this.#stalled) return;
      this.#waiting.shift()?.();
      this.release();
    });
  }

  /** Drops what is under way and all that follows. */
  cut(): void {
    this.#cut = true;
    this.#waiting = [];
  }

  get #stalled(): boolean {
    return this.#trouble().stalled === true;
  }

  #arrive(deliver: () => void): void {
    if (this.#cut) return;
    if (this.#waiting.length === 0 && !this.#stalled) return deliver();
    this.#waiting.push(deliver);
    this.release();
  }
}
