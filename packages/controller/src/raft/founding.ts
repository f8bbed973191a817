import { assert } from "./assert.ts";
import { isVoter, type Core } from "./core.ts";
import { campaign, follow } from "./election.ts";
import type { Voters } from "./types.ts";
import { requireSet } from "./voter-sets.ts";

/** Campaigns for writing the first entry, in a term after every one that the voters have seen: if an earlier founder won votes, lost its disk and comes back,
 * its old messages belong to an older term. */
export function found(core: Core, voters: Voters, data: Uint8Array, term: number): void {
  const { lastIndex, voterSets } = core.entries;
  requireSet(voters);
  assert(lastIndex === 0 && voterSets.newest === null, () => `node ${core.self.nodeId} founds with a log to ${lastIndex}`);
  core.founding = { voters, data };
  assert(isVoter(core, core.self), () => `node ${core.self.nodeId} founds without being a voter`);
  if (term > core.term) follow(core, term, null);
  campaign(core);
}
