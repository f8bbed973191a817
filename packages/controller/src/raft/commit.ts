import { majority, votersOf, type Core } from "./core.ts";
import type { Progress } from "./progress.ts";
import { isSame } from "./voter-sets.ts";

/** Moves the commit index of a leader to what a majority has on disk; true if it moved. Only an entry of the own term counts: an older one on a
 * majority can still be overwritten (Raft §5.4.2, figure 8). The leader's own disk is one of the majority, not a condition. */
export function advanceCommit(core: Core): boolean {
  const { entries, leadership } = core;
  if (leadership === null) return false;
  const index = reachedByMajority(core, entries.durableIndex, (progress) => progress.matchIndex);
  if (index <= core.commitIndex || entries.termAt(index) !== core.term) return false;
  core.commitIndex = index;
  return true;
}

/** The highest value that a majority of the voters has reached. A follower counts only under the directory it was made a voter with;
 * -Infinity when too few do. */
export function reachedByMajority(core: Core, own: number, of: (progress: Progress) => number): number {
  const values: number[] = [];
  for (const voter of votersOf(core)) {
    const progress = core.leadership?.followers.get(voter.nodeId);
    if (isSame(core.self, voter)) values.push(own);
    else if (progress !== undefined && isSame(progress.peer, voter)) values.push(of(progress));
  }
  values.sort((a, b) => b - a);
  return values[majority(core) - 1] ?? Number.NEGATIVE_INFINITY;
}
