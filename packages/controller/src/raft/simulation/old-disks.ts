import type { Voters } from "../types.ts";
import { includes } from "../voter-sets.ts";
import type { SimulatedDisk } from "./disk.ts";
import type { SimulatedVoter } from "./voter.ts";
import type { World } from "./world.ts";

/** An operator saves what a node's disk holds. */
export function saveCopy(world: World, voter: SimulatedVoter): void {
  world.copies.set(voter.self.directoryId, voter.disk.copy());
}

/** The copy takes the place of the disk, if the rest can live with that. */
export function restoreCopy(world: World, voter: SimulatedVoter): void {
  const copy = world.copies.get(voter.self.directoryId);
  if (copy === undefined || copy.lastIndex >= voter.disk.lastIndex || !costsNothing(world, voter, copy)) return;
  world.copies.delete(voter.self.directoryId);
  world.goBack(voter, copy);
}

/** A node that was told begins anew, as its process does. */
export function replaceMute(world: World): void {
  for (const voter of world.all) if (voter.mute) world.wipe(voter);
}

/** What no leader can see at once must do no harm: everything that the voter had acknowledged is committed, and whoever is elected without regard to what it
 * holds has it all the same. */
function costsNothing(world: World, voter: SimulatedVoter, copy: SimulatedDisk): boolean {
  if (voter.disk.lastIndex > world.checks.committedIndex || !world.canLose(voter)) return false;
  if (copy.restored().voterSets.at(-1)?.index !== voter.disk.restored().voterSets.at(-1)?.index) return false;
  const holders = world.all.filter((other) => other !== voter && world.checks.holdsCommitted(other)).map(({ self }) => self);
  const electsOnlyHolders = (set: Voters): boolean => {
    const held = set.filter((member) => includes(holders, member)).length;
    return held + Math.floor(set.length / 2) + 1 > set.length;
  };
  return world.setsInForce.every((set) => !includes(set, voter.self) || electsOnlyHolders(set));
}
