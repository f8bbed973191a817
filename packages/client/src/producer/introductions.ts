import type { Identities } from "./identities.ts";
import type { Lane } from "./lane.ts";

export interface IntroductionsOptions {
  readonly identities: Identities;
  /** There is an identity for the lane. */
  readonly ready: (lane: Lane) => void;
  /** None is to be had at the moment, or at all. */
  readonly failed: (lane: Lane, error: unknown) => void;
}

/** Gets lanes the identities under which their batches are sequenced, each asking once at a time. */
export class Introductions {
  readonly #options: IntroductionsOptions;

  constructor(options: IntroductionsOptions) {
    this.#options = options;
  }

  /** Gives the lane one that is at hand. Else one is asked for, and the lane has to wait. */
  introduce(lane: Lane): boolean {
    const { identities, ready, failed } = this.#options;
    const identity = identities.fresh(lane.identity);
    if (identity !== null) {
      lane.begin(identity);
      return true;
    }
    if (lane.identifying) return false;
    lane.identifying = true;
    identities.ask().then(
      () => {
        lane.identifying = false;
        ready(lane);
      },
      (error: unknown) => {
        lane.identifying = false;
        failed(lane, error);
      },
    );
    return false;
  }
}
