import type { Clock } from "@ottla/host";

/** Runs each job that was asked for once, together, after what this turn of the event loop has received. */
export class Turn {
  readonly #clock: Clock;
  #jobs = new Set<() => void>();
  #due = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(job: () => void): void {
    this.#jobs.add(job);
    if (this.#due) return;
    this.#due = true;
    this.#clock.soon(() => this.#run());
  }

  #run(): void {
    const jobs = this.#jobs;
    this.#jobs = new Set();
    this.#due = false;
    for (const job of jobs) job();
  }
}
