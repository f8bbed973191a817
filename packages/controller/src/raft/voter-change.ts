import type { Core } from "./core.ts";
import type { Voters } from "./types.ts";
import { changesBetween, requireSet } from "./voter-sets.ts";

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
