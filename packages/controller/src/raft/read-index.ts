import { reachedByMajority } from "./commit.ts";
import type { Core } from "./core.ts";
import { heartbeat } from "./sending.ts";

/** Reads are answered without the log (Raft dissertation §6.4): the index is what was committed when the read came, and a majority must answer a
 * round begun afterwards, which proves that nobody else led when it came. */
export function onRead(core: Core, id: number): void {
  const { leadership } = core;
  if (leadership === null || leadership.transfer !== null) return core.outbox.answer({ id, index: null });
  leadership.round++;
  // Entries of earlier terms may have been committed and acknowledged by others: this term's first entry covers them.
  leadership.reads.push({ id, round: leadership.round, index: Math.max(core.commitIndex, leadership.firstIndex) });
  for (const progress of leadership.followers.values()) heartbeat(core, progress);
  settleReads(core);
}

export function settleReads(core: Core): void {
  const { leadership } = core;
  if (leadership === null || leadership.reads.length === 0 || core.commitIndex < leadership.firstIndex) return;
  const confirmed = reachedByMajority(core, leadership.round, (progress) => progress.round);
  for (let read = leadership.reads[0]; read !== undefined && read.round <= confirmed; read = leadership.reads[0]) {
    core.outbox.answer({ id: read.id, index: read.index });
    leadership.reads.shift();
  }
}
