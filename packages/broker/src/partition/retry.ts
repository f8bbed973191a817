import type { Timer } from "@ottla/host";
import type { Replica } from "./replica.ts";

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 10_000;

/** Tries again what a follower could not do, less and less often, and tells once why it is stuck. */
export class Retry {
  readonly #replica: Replica;
  readonly #leader: number;
  readonly #run: () => void;
  #timer: Timer | null = null;
  #pauseMs = 0;
  #told = "";

  constructor(replica: Replica, leader: number, run: () => void) {
    this.#replica = replica;
    this.#leader = leader;
    this.#run = run;
  }

  get waiting(): boolean {
    return this.#timer !== null;
  }

  later(why: string): void {
    const { around, name } = this.#replica;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2));
    // A leader that has just been elected refuses some at first.
    const stuck = this.#pauseMs === LONGEST_PAUSE_MS && this.#told !== why;
    if (stuck) this.#told = why;
    around.logger[stuck ? "warn" : "debug"](
      { partition: name, leader: this.#leader, reason: why },
      "A follower cannot go on; its leader is asked again now and then",
    );
    this.cancel();
    this.#timer = around.clock.after(this.#pauseMs, () => {
      this.#timer = null;
      this.#run();
    });
  }

  /** It went on. */
  succeeded(): void {
    this.#pauseMs = 0;
    this.#told = "";
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
