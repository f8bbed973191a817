import { simulate, type SimulationOptions } from "@ottla/simulator";

export interface Job extends Omit<SimulationOptions, "without"> {
  readonly without: readonly number[];
}

// A process of its own that runs one simulation after the other, as it is told.
process.on("message", ({ without, ...job }: Job) => {
  void simulate({ ...job, without: new Set(without) }).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit());
