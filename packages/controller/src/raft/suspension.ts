import { isVoter, leading, speak, type Core } from "./core.ts";
import { hasQuorum, reviseFollowers } from "./leadership.ts";
import type { Progress } from "./progress.ts";
import { heartbeat } from "./sending.ts";
import type { AppendReply, Suspended } from "./types.ts";
import { includes } from "./voter-sets.ts";

/** A follower refuses below what it has acknowledged in this term. Late, the answer proves nothing; an answer to what was sent afterwards does: its disk
 * went back. Then it neither counts nor is fed, under this directory. */
export function isStale(core: Core, progress: Progress, { matchIndex, round }: AppendReply): boolean {
  const leadership = leading(core);
  const { doubt, peer } = progress;
  if (matchIndex >= progress.matchIndex) return false;
  // An older doubt asked about less.
  if (doubt === null || matchIndex >= doubt.matchIndex) {
    progress.doubt = { round: ++leadership.round, matchIndex: progress.matchIndex };
    heartbeat(core, progress);
    return false;
  }
  if (round < doubt.round) return false;
  const suspension = { voter: peer, acknowledged: progress.matchIndex, holds: matchIndex };
  leadership.suspended.set(peer.directoryId, suspension);
  reviseFollowers(core, core.limits.electionTicks);
  core.outbox.suspended(suspension);
  return true;
}

/** Who is suspended hears of it, over and over, while the others can do without: alone with it this leader needs it more than its memory. */
export function remindSuspended(core: Core): void {
  const { suspended } = leading(core);
  if (suspended.size === 0 || !hasQuorum(core)) return;
  for (const { voter, acknowledged } of suspended.values())
    if (isVoter(core, voter) || includes(core.learners, voter))
      speak(core, voter, { kind: "suspended", term: core.term, matchIndex: acknowledged });
}

/** Also where a snapshot has brought it further since: votes may be as old as the rest was. */
export function onSuspended(core: Core, { matchIndex }: Suspended): void {
  const { self, entries } = core;
  core.suspended = true;
  core.outbox.suspended({ voter: self, acknowledged: matchIndex, holds: entries.lastIndex });
}
