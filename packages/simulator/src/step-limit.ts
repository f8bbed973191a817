import type { Clock } from "@ottla/host";
import { Violation } from "./invariants/violation.ts";

/** A thousandfold of what a cluster at rest needs, and several times what a busy one does. */
const STEPS_A_SECOND = 100_000;

/** Counts events, and notices when they follow one another without end while time stands still, or nearly so (L13). */
export class StepLimit {
  steps = 0;
  readonly #clock: Clock;
  #second = 0;
  #stepsBefore = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws Violation */
  count(): void {
    this.steps += 1;
    const second = Math.floor(this.#clock.monotonicMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#stepsBefore = this.steps;
    }
    const ofSecond = this.steps - this.#stepsBefore;
    if (ofSecond > STEPS_A_SECOND) throw new Violation("L13", `${ofSecond} events within second ${second}: something goes round and round`);
  }
}
