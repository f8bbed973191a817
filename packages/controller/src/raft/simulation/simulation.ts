import { calm } from "./calm.ts";
import { breakConnection, checkpoint, partition, wipe } from "./faults.ts";
import { found } from "./founding.ts";
import { replaceMute, restoreCopy, saveCopy } from "./old-disks.ts";
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

type Event = (world: World, voter: SimulatedVoter) => void;

/** How often what happens, relative to the others. */
const COURSE: readonly (readonly [number, Event])[] = [
  [250, (world, voter) => world.act(voter, { kind: "tick" })],
  [420, deliver],
  [160, (world, voter) => world.sync(voter)],
  [40, (world) => atLeader(world, (leader) => world.propose(leader))],
  [15, (world) => atLeader(world, (leader) => world.read(leader))],
  [20, (world, voter) => world.load(voter)],
  [6, (world) => world.network.heal()],
  [6, found],
  [5, (world, voter) => nameLearners(world, voter, false)],
  [6, (world, voter) => world.sendSnapshot(voter)],
  [6, moveSnapshot],
  [3, replaceMute],
];
/** Of these each seed leaves some out and has more of others: what happens seldom together is met so, too. */
const TROUBLE: readonly (readonly [number, Event])[] = [
  [10, breakConnection],
  [6, (world, voter) => world.restart(voter)],
  [2, wipe],
  [6, stranger],
  [3, partition],
  [8, checkpoint],
  [4, (world) => atLeader(world, (leader) => changeVoters(world, leader))],
  [6, (world) => atLeader(world, (leader) => transfer(world, leader))],
  [6, saveCopy],
  [25, restoreCopy],
];
const FACTORS = [0, 1, 1, 3];

/** Faults first; then a calm in which a leader must be found and everything committed everywhere.
 * @throws Error that names the broken rule */
export function simulate({ seed, voters, steps, sabotage }: SimulationOptions): Outcome {
  const world = new World(seed, voters, sabotage);
  if (world.random.oneIn(2)) found(world);
  const events = mix(world);
  for (let step = 0; step < steps; step++) world.random.pick(events)(world, world.random.pick(world.all));
  calm(world);
  const terms = Math.max(...world.all.map(({ raft }) => raft.term));
  return { ...world.counts, committed: world.checks.committedIndex, terms, trace: world.trace };
}

function mix({ random }: World): readonly Event[] {
  const trouble = TROUBLE.map(([weight, event]) => [weight * random.pick(FACTORS), event] as const);
  const events: Event[] = [];
  for (const [weight, event] of [...COURSE, ...trouble]) for (let i = 0; i < weight; i++) events.push(event);
  return events;
}

/** One of those that believe to lead. */
function atLeader(world: World, run: (leader: SimulatedVoter) => void): void {
  const leaders = world.all.filter(({ raft }) => raft.role === "leader");
  if (leaders.length > 0) run(world.random.pick(leaders));
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
