import type { Core } from "./core.ts";
import { probe } from "./progress.ts";
import { replicate } from "./sending.ts";
import type { LogPosition, NodeId } from "./types.ts";

/** Not where what was committed reaches as far: none that were promised may be lost. A leader holds everything committed. */
export function needsSnapshot({ role, commitIndex }: Core, last: LogPosition): boolean {
  return role !== "leader" && last.index > commitIndex;
}

/** The peer has the snapshot, or will not get it: either way it says itself from where on it lacks entries. */
export function snapshotEnded(core: Core, peer: NodeId): void {
  const progress = core.leadership?.followers.get(peer);
  if (progress?.state !== "snapshot") return;
  probe(progress, core.entries.lowestNext);
  replicate(core, progress);
}
