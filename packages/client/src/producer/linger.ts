import type { Clock, Timer } from "@ottla/host";
import type { Batch } from "./batch.ts";
import type { Lane } from "./lane.ts";

interface Lingering {
  readonly lane: Lane;
  readonly batch: Batch;
  readonly dueMs: number;
}

/** Open batches that wait for company. One timer for all: as each waits equally long, the oldest is due first. */
export class Linger {
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #due: (lane: Lane) => void;
  #waiting: Lingering[] = [];
  #timer: Timer | null = null;
  #hurries = 0;

  constructor(clock: Clock, lingerMs: number, due: (lane: Lane) => void) {
    this.#clock = clock;
    this.#lingerMs = lingerMs;
    this.#due = due;
  }

  add(lane: Lane, batch: Batch): void {
    if (this.#lingerMs === 0 || this.#hurries > 0) {
      batch.due = true;
      this.#due(lane);
      return;
    }
    this.#waiting.push({ lane, batch, dueMs: this.#clock.monotonicMs() + this.#lingerMs });
    this.#timer ??= this.#clock.after(this.#lingerMs, () => this.#run());
  }

  hurry(on: boolean): void {
    this.#hurries += on ? 1 : -1;
    if (!on) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#release(this.#waiting.splice(0));
  }

  close(): void {
    this.#timer?.cancel();
    this.#waiting = [];
  }

  #run(): void {
    this.#timer = null;
    const nowMs = this.#clock.monotonicMs();
    const later = this.#waiting.findIndex(({ dueMs, lane, batch }) => dueMs > nowMs && lane.open === batch);
    this.#release(this.#waiting.splice(0, later < 0 ? this.#waiting.length : later));
    const next = this.#waiting[0];
    if (next !== undefined) this.#timer = this.#clock.after(Math.max(0, next.dueMs - nowMs), () => this.#run());
  }

  #release(waiting: readonly Lingering[]): void {
    for (const { lane, batch } of waiting) {
      batch.due = true;
      if (lane.open === batch) this.#due(lane);
    }
  }
}
