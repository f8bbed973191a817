import type { Keep, MemoryHost } from "@ottla/host";
import { seeded } from "../../scripts/support/seeded.ts";
import { CODES, type FailureCode, tryDiskFailure } from "./disk-failure.ts";
import { changesDisk, type Sabotage } from "./played-load.ts";
import { type CutPoint, recordLoad, type RecordedLoad } from "./recorded-load.ts";
import { type Recovery, tryRecovery } from "./recovery.ts";
import type { Finding } from "./verdict.ts";
import { World } from "./world.ts";

/** One end of a load, named so that the name replays it: what happens, at which operation of the load, and how. */
export type Trial =
  | { readonly kind: "cut"; readonly n: number; readonly keep: Keep; readonly draw: number }
  /** Only the process ends at the n-th operation; the power goes later. */
  | { readonly kind: "kill"; readonly n: number }
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
/** And the power goes for the last time at one of so many operations of the new load. */
const LATER_OPERATIONS = 30;
/** Seeds of later lives, far from those of loads: ids that two lives draw must differ. */
const LIVES = 2 ** 40;

export function trialName(trial: Trial): string {
  switch (trial.kind) {
    case "cut":
      return `cut/${trial.n}/${trial.keep}/${trial.draw}`;
    case "kill":
      return `kill/${trial.n}`;
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
      all.push({ kind: "kill", n });
      if (sabotage === null) all.push({ kind: "failure", n, code: CODES[(n + seed) % CODES.length] ?? "EIO" });
    }
    // A sabotaged node need not recover at all.
    for (let n = 1 + (seed % RECOVERY_EVERY); sabotage === null && n <= recorded.cutPoints.length; n += RECOVERY_EVERY) {
      const operations = await recoveryOperations(recorded.cutPoints[n - 1]!, seed);
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
    const random = seeded(
      this.seed * 1_000_003 + trial.n * 101 + (trial.kind === "recovery" ? trial.m : trial.kind === "cut" ? trial.draw : 0),
    );
    const point = this.#cutPoint(trial.n);
    const thenAt = 1 + random(LATER_OPERATIONS);
    switch (trial.kind) {
      case "cut": {
        const againAt = trial.draw % 2 === 1 ? 1 + random(RECOVERY_OPERATIONS) : null;
        const machine = point.image.boot({ keep: trial.keep, seed: LIVES + random(2 ** 31) });
        return this.#tried(point, machine, { againAt, thenAt, keep: trial.draw === 0 ? "none" : "random" });
      }
      case "kill":
        return this.#tried(point, point.image.killed({ seed: LIVES + random(2 ** 31) }), { againAt: null, thenAt, keep: "none" });
      case "recovery": {
        const machine = point.image.boot({ keep: "random", seed: LIVES + this.seed });
        return this.#tried(point, machine, { againAt: trial.m, thenAt, keep: trial.keep });
      }
    }
  }

  async #tried({ moment }: CutPoint, machine: MemoryHost, rest: Recovery): Promise<TrialResult> {
    const journal = this.#recorded.journal.at(moment);
    const { acknowledged } = journal;
    return { acknowledged, findings: await tryRecovery({ machine, journal, written: this.#recorded.written, moment }, rest) };
  }

  #cutPoint(n: number): CutPoint {
    const point = this.#recorded.cutPoints[n - 1];
    if (point === undefined) throw new Error(`Operation ${n} does not exist: the load of seed ${this.seed} has ${this.operations}`);
    return point;
  }
}

/** How many operations the node takes to recover from this cut; none when it does not. */
async function recoveryOperations({ image }: CutPoint, seed: number): Promise<number> {
  const machine = image.boot({ keep: "random", seed: LIVES + seed });
  const world = new World(machine);
  let operations = 0;
  machine.disk.fault = (operation) => {
    if (changesDisk(operation)) operations += 1;
  };
  try {
    await world.run(world.startNode());
    return operations;
  } catch {
    return 0;
  }
}
