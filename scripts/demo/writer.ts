import type { Producer } from "@ottla/client";
import type { Flight } from "./flights.ts";

/** Sends flights and counts what becomes of them. */
export class Writer {
  sent = 0;
  acknowledged = 0;
  /** The longest time between two acknowledgements while sends were in flight. */
  longestGapMs = 0;
  readonly #producer: Producer;
  #failure: Error | undefined;
  #wake = (): void => {};

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  get inFlight(): number {
    return this.sent - this.acknowledged;
  }

  /** Resolves when every flight is acknowledged.
   * @param during called once, when half of them have been sent and some are in flight */
  async write(topic: string, flights: readonly Flight[], during?: () => Promise<void>): Promise<void> {
    let lastMs = performance.now();
    const half = this.sent + Math.floor(flights.length / 2);
    let interruption: Promise<void> | undefined;
    for (const flight of flights) {
      while (this.inFlight > 20_000) await this.#settled();
      if (during && !interruption && this.sent >= half && this.inFlight > 0) {
        interruption = during();
        interruption.catch(() => {}); // awaited below
      }
      this.sent += 1;
      this.#producer.send(topic, flight).then(
        () => {
          this.acknowledged += 1;
          const nowMs = performance.now();
          this.longestGapMs = Math.max(this.longestGapMs, nowMs - lastMs);
          lastMs = nowMs;
          this.#wake();
        },
        (error: Error) => {
          this.#failure ??= error;
          this.#wake();
        },
      );
    }
    await interruption;
    while (this.inFlight > 0) await this.#settled();
  }

  async #settled(): Promise<void> {
    if (!this.#failure) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure) throw this.#failure;
  }
}
