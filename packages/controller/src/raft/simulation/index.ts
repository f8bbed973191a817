import { Simulation, type Outcome, type SimulationOptions } from "./simulation.ts";

export { SABOTAGES, type Sabotage } from "./voter.ts";

export type SeedResult = Outcome | { readonly failure: string; readonly replay: string };

export function runSeed(options: SimulationOptions): SeedResult {
  const { seed, voters, steps, sabotage } = options;
  try {
    return new Simulation(options).run();
  } catch (error) {
    const replay = `npx tsx scripts/raft-seeds.ts --seeds 1 --from ${seed} --voters ${voters} --steps ${steps}${sabotage === null ? "" : ` --sabotage ${sabotage}`}`;
    return { failure: `seed ${seed}, ${voters} voters: ${error instanceof Error ? error.message : String(error)}`, replay };
  }
}
