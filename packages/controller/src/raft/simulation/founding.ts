import type { World } from "./world.ts";

/** What the callers of the cores do until there is a cluster: once every listed voter is reached and all are empty, the one with the lowest id founds. */
export function found(world: World): void {
  const listed = world.listed.map((nodeId) => world.node(nodeId));
  if (!listed.every(({ raft }) => raft.lastIndex === 0 && raft.voters === null)) return;
  const founder = listed[0];
  if (founder === undefined) return;
  const voters = listed.map(({ self }) => self);
  const term = Math.max(...listed.map(({ raft }) => raft.term));
  world.mayCome(voters);
  world.act(founder, { kind: "found", voters, data: new TextEncoder().encode("founded"), term });
}
