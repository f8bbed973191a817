import type { Clock, Timer } from "@ottla/host";

/** Waits below it are kept to 10 ms, longer ones to 100 ms: few buckets to look through, and nobody notices. */
const SHORT_MS = 1000;
const SHORT_GRAIN_MS = 10;
const LONG_GRAIN_MS = 100;

class Entry implements Timer {
  readonly run: () => void;
  readonly #bucket: Set<Entry>;

  constructor(bucket: Set<Entry>, run: () => void) {
    this.run = run;
    this.#bucket = bucket;
    bucket.add(this);
  }

  cancel(): void {
    this.#bucket.delete(this);
  }
}

/** Timeouts of requests, gathered in buckets behind a single timer of the clock: setting and cancelling one costs a Set operation.
 * They run late by at most their grain, never early. */
export class Timeouts {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Set<Entry>>();
  #timer: Timer | null = null;
  #armedFor = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(delayMs: number, run: () => void): Timer {
    const grain = delayMs < SHORT_MS ? SHORT_GRAIN_MS : LONG_GRAIN_MS;
    const dueMs = Math.ceil((this.#clock.monotonicMs() + delayMs) / grain) * grain;
    let bucket = this.#buckets.get(dueMs);
    if (bucket === undefined) {
      bucket = new Set();
      this.#buckets.set(dueMs, bucket);
      if (dueMs < this.#armedFor) this.#arm(dueMs);
    }
    return new Entry(bucket, run);
  }

  /** Forgets every timeout without running it. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedFor = Infinity;
    this.#buckets.clear();
  }

  #arm(dueMs: number): void {
    this.#timer?.cancel();
    this.#armedFor = dueMs;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => this.#fire());
  }

  #fire(): void {
    this.#timer = null;
    this.#armedFor = Infinity;
    const now = this.#clock.monotonicMs();
    const due: Set<Entry>[] = [];
    let next = Infinity;
    for (const [dueMs, bucket] of this.#buckets) {
      if (dueMs <= now) due.push(bucket);
      else if (bucket.size > 0) next = Math.min(next, dueMs);
      if (dueMs <= now || bucket.size === 0) this.#buckets.delete(dueMs);
    }
    if (next < Infinity) this.#arm(next);
    for (const bucket of due) {
      for (const entry of bucket) {
        entry.cancel();
        entry.run();
      }
    }
  }
}
