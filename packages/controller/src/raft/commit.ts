import { majority, type Core } from "./core.ts";

/** Moves the commit index of a leader to what a majority has on disk; true if it moved. Only an entry of the own term counts: an older one on a
 * majority can still be overwritten (Raft §5.4.2, figure 8). The leader's own disk is one of the majority, not a condition. */
export function advanceCommit(core: Core): boolean {
  const { entries, leadership } = core;
  if (leadership === null) return false;
  const held = [entries.durableIndex];
  for (const progress of leadership.followers.values()) held.push(progress.matchIndex);
  held.sort((a, b) => b - a);
  const index = held[majority(core) - 1];
  if (index === undefined || index <= core.commitIndex || entries.termAt(index) !== core.term) return false;
  core.commitIndex = index;
  return true;
}
