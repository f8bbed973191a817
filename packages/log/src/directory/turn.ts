import type { Clock, Timer } from "@ottla/host";

/** Runs each job that was asked for once, together, after what this turn of the event loop has received. */
export class Turn {
  readonly #clock: Clock;
  #jobs = new Set<() => void>();
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(job: () => void): void {
    this.#jobs.add(job);
    this.#timer ??= this.#clock.soon(() => this.#run());
  }

  #run(): void {
    const jobs = this.#jobs;
    this.#jobs = new Set();
    this.#timer = null;
    for (const job of jobs) job();
  }
}
