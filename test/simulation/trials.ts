import type { Keep } from "@ottla/host";
import { seeded } from "../../scripts/support/seeded.ts";
import { CODES, type FailureCode, tryDiskFailure } from "./disk-failure.ts";
import { changesDisk, type Sabotage } from "./played-load.ts";
import { type CutPoint, recordLoad, type RecordedLoad } from "./recorded-load.ts";
import { type Survivor, tryRecovery } from "./recovery.ts";
import type { Finding } from "./verdict.ts";
import { World } from "./world.ts";

/** One end of a load, named so that the name replays it: what happens, at which operation of the load, and how. */
export type Trial =
  | { readonly kind: "cut"; readonly n: number; readonly keep: Keep; readonly draw: number }
  /** Power goes at the n-th operation of the load, and again at the m-th of the recovery. */
  | { readonly kind: "recovery"; readonly n: number; readonly m: number; readonly keep: Keep }
  | { readonly kind: "failure"; readonly n: number; readonly code: FailureCode };

export interface TrialResult {
  readonly acknowledged: number;
  readonly findings: readonly Finding[];
}

/** Random sectors are drawn so many times at each operation. */
const DRAWS = 3;
/** The recovery from every so manieth cut is itself cut at every operation. */
const RECOVERY_EVERY = 60;
/** A recovery has about so many operations at most. */
const RECOVERY_OPERATIONS = 60;

export function trialName(trial: Trial): string {
  switch (trial.kind) {
    case "cut":
      return `cut/${trial.n}/${trial.keep}/${trial.draw}`;
    case "recovery":
      return `recovery/${trial.n}/${trial.m}/${trial.keep}`;
    case "failure":
      return `failure/${trial.n}/${trial.code}`;
  }
}

/** All trials of one seed: the load is played once and ends in each of them. */
export class Trials {
  readonly seed: number;
  readonly all: readonly Trial[];
  readonly #recorded: RecordedLoad;

  private constructor(seed: number, recorded: RecordedLoad, all: readonly Trial[]) {
    this.seed = seed;
    this.#recorded = recorded;
    this.all = all;
  }

  static async of(seed: number, sabotage: Sabotage | null): Promise<Trials> {
    const recorded = await recordLoad(seed, sabotage);
    const all: Trial[] = [];
    for (const { n } of recorded.cutPoints) {
      all.push({ kind: "cut", n, keep: "none", draw: 0 }, { kind: "cut", n, keep: "all", draw: 0 });
      for (let draw = 1; draw <= DRAWS; draw += 1) all.push({ kind: "cut", n, keep: "random", draw });
      if (sabotage === null) all.push({ kind: "failure", n, code: CODES[(n + seed) % CODES.length] ?? "EIO" });
    }
    // A sabotaged node need not recover at all.
    for (let n = 1 + (seed % RECOVERY_EVERY); sabotage === null && n <= recorded.cutPoints.length; n += RECOVERY_EVERY) {
      const operations = await recoveryOperations(recorded, recorded.cutPoints[n - 1]!, seed);
      for (let m = 1; m <= operations; m += 1)
        all.push({ kind: "recovery", n, m, keep: "none" }, { kind: "recovery", n, m, keep: "random" });
    }
    return new Trials(seed, recorded, all);
  }

  get operations(): number {
    return this.#recorded.cutPoints.length;
  }

  describe(trial: Trial): string {
    const { operation, path } = this.#cutPoint(trial.n);
    return `${trialName(trial)}, at "${operation}" of ${path}`;
  }

  async run(trial: Trial): Promise<TrialResult> {
    if (trial.kind === "failure") return tryDiskFailure(this.seed, trial.n, trial.code);
    const random = seeded(this.seed * 1_000_003 + trial.n * 101 + (trial.kind === "cut" ? trial.draw : trial.m));
    const again = trial.kind === "recovery" ? trial.m : trial.draw % 2 === 1 ? 1 + random(RECOVERY_OPERATIONS) : null;
    const firstKeep = trial.kind === "recovery" ? "random" : trial.keep;
    const survivor = survivorOf(
      this.#recorded,
      this.#cutPoint(trial.n),
      firstKeep,
      trial.kind === "recovery" ? this.seed : random(2 ** 31),
    );
    const { acknowledged } = survivor.journal;
    const laterKeep = trial.kind === "recovery" ? trial.keep : trial.draw === 0 ? "none" : "random";
    return { acknowledged, findings: await tryRecovery(survivor, { againAt: again, keep: laterKeep }) };
  }

  #cutPoint(n: number): CutPoint {
    const point = this.#recorded.cutPoints[n - 1];
    if (point === undefined) throw new Error(`Operation ${n} does not exist: the load of seed ${this.seed} has ${this.operations}`);
    return point;
  }
}

function survivorOf({ journal, written }: RecordedLoad, { image, moment }: CutPoint, keep: Keep, seed: number): Survivor {
  // Far from the seeds of loads: ids that two lives draw must differ.
  return { machine: image.boot({ keep, seed: 2 ** 40 + seed }), journal: journal.at(moment), written, moment };
}

/** How many operations the node takes to recover from this cut. */
async function recoveryOperations(recorded: RecordedLoad, point: CutPoint, seed: number): Promise<number> {
  const { machine } = survivorOf(recorded, point, "random", seed);
  const world = new World(machine);
  let operations = 0;
  machine.disk.fault = (operation) => {
    if (changesDisk(operation)) operations += 1;
  };
  await world.run(world.startNode());
  return operations;
}
