import { nameLearners, proposeVoters, withVoter, without } from "./operations.ts";
import { replaceMute } from "./old-disks.ts";
import { found } from "./founding.ts";
import type { SimulatedVoter } from "./voter.ts";
import type { World } from "./world.ts";

/** The faults end: a leader must be found, lost voters replaced, and everybody must come to hold everything.
 * @throws Error "Liveness" when that does not happen */
export function calm(world: World): void {
  world.network.heal();
  const { electionTicks } = world.limits;
  for (let round = 0; round < 80 * electionTicks; round++) {
    for (const voter of world.all) world.act(voter, { kind: "tick" });
    settle(world);
    replaceMute(world);
    if (round % electionTicks === 0) {
      found(world);
      for (const voter of world.all) nameLearners(world, voter, true);
      settle(world);
    }
    const leader = world.leader();
    if (leader === null) continue;
    if (round % (4 * electionTicks) === 0) world.propose(leader);
    if (round % electionTicks === 0) replaceLost(world, leader);
    if (agreed(world, leader)) return;
  }
  const state = world.all.map(
    ({ self, raft }) =>
      `${self.nodeId}:${self.directoryId} ${raft.role} in term ${raft.term}, committed ${raft.commitIndex} of ${raft.firstIndex}..${raft.lastIndex}, voters ${raft.voters?.voters.map(({ directoryId }) => directoryId).join(" ")}`,
  );
  throw new Error(`Liveness: no agreement after the faults ended: ${state.join("; ")}`);
}

function replaceLost(world: World, leader: SimulatedVoter): void {
  const voters = leader.raft.voters?.voters ?? [];
  const gone = voters.find((voter) => !world.exists(voter));
  if (gone !== undefined) return proposeVoters(world, leader, without(voters, gone));
  const missing = world.listed
    .map((nodeId) => world.node(nodeId).self)
    .find(({ nodeId }) => !voters.some((voter) => voter.nodeId === nodeId));
  if (missing !== undefined) proposeVoters(world, leader, withVoter(voters, missing));
}

function agreed(world: World, leader: SimulatedVoter): boolean {
  const { lastIndex, voters } = leader.raft;
  return (
    world.listed.every((nodeId) => voters?.voters.some((voter) => voter.nodeId === nodeId && world.exists(voter))) &&
    world.all.every(({ raft, applied }) => raft.commitIndex === lastIndex && raft.durableIndex === lastIndex && applied.index === lastIndex)
  );
}

function settle(world: World): void {
  for (let count = 0; count < 10_000; count++) {
    const letters = world.network.takeAll();
    for (const letter of letters) world.deliver(letter);
    let busy = letters.length > 0;
    for (const voter of world.all) {
      busy ||= voter.writing || voter.loads.length > 0 || voter.wantedSnapshots.length > 0;
      world.sync(voter);
      world.load(voter);
      // Without one there would be nothing to send.
      if (voter.wantedSnapshots.length > 0) voter.checkpoint();
      world.sendSnapshot(voter);
    }
    for (const parcel of world.parcels.splice(0)) world.takeSnapshot(parcel);
    if (!busy) return;
  }
  throw new Error("Liveness: messages go back and forth without end");
}
