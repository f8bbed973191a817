import type { Clock } from "@ottla/host";

/** Bytes a second that replicas under way to a new broker may get. What is sent is charged afterwards, so that a large batch goes too. */
export class Throttle {
  readonly #clock: Clock;
  #debtBytes = 0;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** @returns how long to wait before more may be sent, in whole milliseconds, 0 for not at all */
  waitMs(bytesPerSecond: number): number {
    const nowMs = this.#clock.monotonicMs();
    this.#debtBytes = Math.max(0, this.#debtBytes - ((nowMs - this.#sinceMs) * bytesPerSecond) / 1000);
    this.#sinceMs = nowMs;
    return Math.floor((this.#debtBytes * 1000) / bytesPerSecond);
  }

  charge(bytes: number): void {
    this.#debtBytes += bytes;
  }
}
