import type { Voter, Voters } from "../types.ts";
import { includes } from "../voter-sets.ts";
import type { SimulatedVoter } from "./voter.ts";
import type { World } from "./world.ts";

/** One voter more or one less, whichever chance wants; those that would never find a majority again are not asked for. */
export function changeVoters(world: World, leader: SimulatedVoter): void {
  const voters = leader.raft.voters?.voters ?? [];
  const gone = voters.find((voter) => !world.exists(voter));
  const candidates = world.all.map(({ self }) => self).filter((self) => !voters.some(({ nodeId }) => nodeId === self.nodeId));
  const adds = voters.length < 2 || (candidates.length > 0 && world.random.oneIn(2));
  if (adds && candidates.length > 0) return proposeVoters(world, leader, withVoter(voters, world.random.pick(candidates)));
  if (voters.length > 1) proposeVoters(world, leader, without(voters, gone ?? world.random.pick([...voters])));
}

export function proposeVoters(world: World, leader: SimulatedVoter, voters: Voters): void {
  if (leader.raft.role !== "leader" || !world.survives(voters, null) || leader.raft.whyNotVoters(voters) !== null) return;
  world.counts.changes++;
  world.mayCome(voters);
  world.act(leader, { kind: "propose", proposals: [{ data: new Uint8Array(0), voters }] });
}

export function withVoter(voters: Voters, voter: Voter): Voters {
  return [...voters, voter].toSorted((a, b) => a.nodeId - b.nodeId);
}

export function without(voters: Voters, voter: Voter): Voters {
  return voters.filter((other) => other !== voter);
}

/** Who is connected and no voter, as far as this node has noticed. */
export function nameLearners(world: World, voter: SimulatedVoter, all: boolean): void {
  const voters = voter.raft.voters?.voters ?? [];
  const learners = world.all.map(({ self }) => self).filter((self) => !includes(voters, self) && (all || !world.random.oneIn(4)));
  world.act(voter, { kind: "learners", learners });
}

export function transfer(world: World, voter: SimulatedVoter): void {
  if (voter.raft.role === "leader") world.counts.transfers++;
  world.act(voter, { kind: "transfer", to: world.random.oneIn(2) ? null : world.other(voter).self.nodeId });
}

/** A caller that was replaced, or a liar: it has a known node id and another directory. */
export function stranger(world: World, voter: SimulatedVoter): void {
  const { raft } = voter;
  const from = { nodeId: world.other(voter).self.nodeId, directoryId: "replaced" };
  const { term, lastIndex } = raft;
  const round = Number.MAX_SAFE_INTEGER;
  world.act(voter, { kind: "message", from, message: { kind: "vote-reply", term, preVote: false, granted: true } });
  world.act(voter, { kind: "message", from, message: { kind: "append-reply", term, success: true, matchIndex: lastIndex, round } });
}
