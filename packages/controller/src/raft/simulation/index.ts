import { simulate, type Outcome, type SimulationOptions } from "./simulation.ts";

export { SABOTAGES, type Sabotage } from "./sabotage.ts";

export type SeedResult = Outcome | { readonly failure: string; readonly replay: string };

export function runSeed(options: SimulationOptions): SeedResult {
  const { seed, voters, steps, sabotage } = options;
  try {
    return simulate(options);
  } catch (error) {
    const replay = `npm run test:raft -- --seeds 1 --from ${seed} --voters ${voters} --steps ${steps}${sabotage === null ? "" : ` --sabotage ${sabotage}`}`;
    return { failure: `seed ${seed}, ${voters} voters: ${error instanceof Error ? error.message : String(error)}`, replay };
  }
}
