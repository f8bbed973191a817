import type { Producer } from "@ottla/client";

const everyMs = 5;

/** Writes to one partition all the time and remembers the longest time between two acknowledgements. */
export class GapMeter {
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #partition: number;
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #longestMs = 0;
  #acknowledged = 0;
  #failed: unknown = null;
  #inFlight = 0;

  constructor(producer: Producer, topic: string, partition: number) {
    this.#producer = producer;
    this.#topic = topic;
    this.#partition = partition;
    this.#timer = setInterval(() => this.#send(), everyMs);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Resolves once so many more are acknowledged; rejects with what a send failed with. */
  async reached(more: number): Promise<void> {
    const until = this.#acknowledged + more;
    while (this.#acknowledged < until) {
      if (this.#failed !== null) throw this.#failed;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  /** Begins to look for the longest gap anew. */
  reset(): void {
    this.#longestMs = 0;
    this.#lastMs = performance.now();
  }

  /** The longest gap since {@link reset}, in milliseconds. */
  get longestMs(): number {
    return this.#longestMs;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#producer.flush();
    if (this.#failed !== null) throw this.#failed;
  }

  #send(): void {
    // Bounded: what waits for a leader needs no more company.
    if (this.#inFlight >= 2_000) return;
    this.#inFlight += 1;
    this.#producer.send(this.#topic, { value: `record at ${performance.now()}`, partition: this.#partition }).then(
      () => this.#arrived(),
      (error: unknown) => {
        this.#inFlight -= 1;
        this.#failed ??= error;
      },
    );
  }

  #arrived(): void {
    this.#inFlight -= 1;
    this.#acknowledged += 1;
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }
}
