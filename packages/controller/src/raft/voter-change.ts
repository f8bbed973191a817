import type { Core } from "./core.ts";
import type { Voters } from "./types.ts";
import { changesBetween, requireSet } from "./voter-sets.ts";

/* A change that is not committed is not passed over either when its voters lose their majority, which only the change to an even number can cause that
 * the set before would have survived: 1 has appended {1 2} after {1 2 3}, and the disk of 2 is lost. 1 and 3 would be a majority of the set before. But 1
 * cannot know that 2 is gone: if 2 lives, cut off, it may have committed {1 2} with 1's acknowledgement and led on, to {1 2 4}, whose majority {2 4} has
 * no voter in common with {1 3}; both would commit. What tells the one case from the other is outside of the cluster: the operator, who knows that 2 is
 * gone, names the survivor with `ottla controller recover`. */

/** Why these may not become the voters now; null when they may. One change at a time, by one voter, and not before this leader has committed an entry of
 * its own term: an earlier leader's change might still be overwritten (Ongaro's message "bug in single-server membership changes", 2015). */
export function whyNotVoters(core: Core, voters: Voters): string | null {
  requireSet(voters);
  const { leadership, commitIndex, entries } = core;
  const { newest } = entries.voterSets;
  if (leadership === null) return `node ${core.self.nodeId} does not lead`;
  if (leadership.transfer !== null) return `leadership is being handed over to ${leadership.transfer.to}`;
  if (newest === null) return "there are no voters yet";
  if (commitIndex < leadership.firstIndex) return `entry ${leadership.firstIndex}, the first of term ${core.term}, is not committed`;
  if (newest.index > commitIndex) return `the change before it, entry ${newest.index}, is not committed`;
  const changes = changesBetween(newest.voters, voters);
  return changes === 1 ? null : `it makes ${changes} changes, and must make one: remove and add are two`;
}
