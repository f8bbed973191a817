import type { SimulatedVoter } from "./voter.ts";
import type { World } from "./world.ts";

/** Links are cut: around one node, in one direction of it, or between two nodes that others still see both of. */
export function partition(world: World): void {
  const { network, random } = world;
  network.heal();
  const one = random.pick([...world.all]);
  const kind = random.below(4);
  for (const other of world.all) {
    if (kind !== 1) network.cut(one.self.nodeId, other.self.nodeId);
    if (kind !== 2) network.cut(other.self.nodeId, one.self.nodeId);
    if (kind === 3) break;
  }
}

/** A node comes back with an empty directory, if the rest can live with that. */
export function wipe(world: World, voter: SimulatedVoter): void {
  if (world.canLose(voter)) world.wipe(voter);
}

export function breakConnection(world: World, voter: SimulatedVoter): void {
  const kind = world.random.pick(["broken", "lost", "reached"] as const);
  world.act(voter, { kind, peer: world.other(voter).self.nodeId });
}

/** Saves what was applied, and drops from the log what that covers, whether others need it or not. */
export function checkpoint(world: World, voter: SimulatedVoter): void {
  voter.checkpoint();
  const { last } = voter.disk.checkpoint;
  if (!world.random.oneIn(3) || last.index <= voter.disk.firstIndex) return;
  voter.trim(last.index - world.random.below(Math.min(5, last.index - voter.disk.firstIndex)));
}
