import { calm } from "./calm.ts";
import { breakConnection, checkpoint, partition, wipe } from "./faults.ts";
import { found } from "./founding.ts";
import { changeVoters, nameLearners, stranger, transfer } from "./operations.ts";
import type { Sabotage } from "./sabotage.ts";
import type { SimulatedVoter } from "./voter.ts";
import { World } from "./world.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Listed before there is a cluster; there is one node more. */
  readonly voters: number;
  readonly steps: number;
  readonly sabotage: Sabotage | null;
}

export type Outcome = Readonly<World["counts"]> & {
  readonly committed: number;
  readonly terms: number;
  /** Equal for two runs of a seed. */
  readonly trace: number;
};

/** How often what happens, of a thousand. */
const EVENTS: readonly (readonly [number, (world: World, voter: SimulatedVoter) => void])[] = [
  [250, (world, voter) => world.act(voter, { kind: "tick" })],
  [400, deliver],
  [160, (world, voter) => world.sync(voter)],
  [80, (world, voter) => world.propose(voter)],
  [25, (world, voter) => world.read(voter)],
  [20, (world, voter) => world.load(voter)],
  [8, breakConnection],
  [5, (world, voter) => world.restart(voter)],
  [2, wipe],
  [10, stranger],
  [3, partition],
  [6, (world) => world.network.heal()],
  [8, checkpoint],
  [6, found],
  [5, (world, voter) => nameLearners(world, voter, false)],
  [6, changeVoters],
  [3, transfer],
  [6, (world, voter) => world.sendSnapshot(voter)],
  [6, moveSnapshot],
];
const TABLE = EVENTS.flatMap(([weight, run]) => Array.from({ length: weight }, () => run));

/** Faults first; then a calm in which a leader must be found and everything committed everywhere.
 * @throws Error that names the broken rule */
export function simulate({ seed, voters, steps, sabotage }: SimulationOptions): Outcome {
  const world = new World(seed, voters, sabotage);
  for (let step = 0; step < steps; step++) world.random.pick(TABLE)(world, world.random.pick(world.all));
  calm(world);
  const terms = Math.max(...world.all.map(({ raft }) => raft.term));
  return { ...world.counts, committed: world.checks.committedIndex, terms, trace: world.trace };
}

function deliver(world: World): void {
  const letter = world.network.take();
  if (letter !== null) world.deliver(letter);
}

/** It arrives, perhaps twice, or is lost. */
function moveSnapshot(world: World): void {
  const { random, parcels } = world;
  if (parcels.length === 0) return;
  const at = random.below(parcels.length);
  const parcel = parcels[at];
  if (parcel === undefined) return;
  if (!random.oneIn(5)) parcels.splice(at, 1);
  if (random.oneIn(5)) world.snapshotEnded(parcel.from, parcel.to);
  else world.takeSnapshot(parcel);
}
