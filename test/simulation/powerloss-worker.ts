import type { Sabotage } from "./played-load.ts";
import { type Trial, type TrialResult, Trials } from "./trials.ts";

export interface Share {
  readonly sabotage: Sabotage | null;
  readonly plan: readonly { readonly seed: number; readonly trials: readonly Trial[] }[];
}

export interface TrialReport extends TrialResult {
  readonly description: string;
}

// A process of its own, which does its share of the trials and tells each outcome.
process.once("message", (share: Share) => {
  void work(share).then(() => process.disconnect());
});

async function work({ sabotage, plan }: Share): Promise<void> {
  for (const { seed, trials } of plan) {
    if (trials.length === 0) continue;
    const all = await Trials.of(seed, sabotage);
    for (const trial of trials) {
      const result: TrialReport = { ...(await all.run(trial)), description: all.describe(trial) };
      process.send?.({ seed, trial, result });
    }
  }
}
