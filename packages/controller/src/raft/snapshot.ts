import type { Core } from "./core.ts";
import { follow } from "./election.ts";
import { probe } from "./progress.ts";
import { replicate } from "./sending.ts";
import type { LogPosition, NodeId, VoterSet } from "./types.ts";
import { requireSet } from "./voter-sets.ts";

/** Takes a snapshot, unless the log holds its last entry or what was committed reaches beyond it: then entries do, and none that were promised
 * are lost. A leader holds everything committed. */
export function onSnapshot(core: Core, last: LogPosition, voters: VoterSet): void {
  requireSet(voters.voters);
  if (core.role === "leader" || last.index <= core.commitIndex) return;
  // Whoever campaigns finds out whether it still may.
  if (last.term > core.term || core.role !== "follower") follow(core, Math.max(core.term, last.term), null);
  core.commitIndex = last.index;
  if (core.entries.termAt(last.index) === last.term) return;
  core.entries.reset(last, voters);
  core.outbox.install(last);
  core.deliveredIndex = last.index;
  core.founding = null;
}

/** The peer has the snapshot, or will not get it: either way it says itself from where on it lacks entries. */
export function snapshotEnded(core: Core, peer: NodeId): void {
  const progress = core.leadership?.followers.get(peer);
  if (progress?.state !== "snapshot") return;
  probe(progress, core.entries.lowestNext);
  replicate(core, progress);
}
