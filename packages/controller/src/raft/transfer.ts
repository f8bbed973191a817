import { leading, mayCampaign, speak, votersOf, type Core } from "./core.ts";
import { campaign } from "./election.ts";
import type { Progress } from "./progress.ts";
import { isSame } from "./voter-sets.ts";
import type { NodeId, TimeoutNow } from "./types.ts";

/** Stops taking proposals, brings the successor up to the end of the log, then asks it to campaign at once (Raft dissertation §3.10). */
export function beginTransfer(core: Core, to: NodeId | null): void {
  const { leadership } = core;
  if (leadership === null || leadership.transfer !== null) return;
  const successor = choose(core, to);
  if (successor === null) return core.outbox.transferUndone();
  leadership.transfer = { to: successor.peer.nodeId, ticks: 0, asked: false };
  continueTransfer(core, successor);
}

export function transferTick(core: Core): void {
  const leadership = leading(core);
  const { transfer } = leadership;
  if (transfer === null) return;
  transfer.ticks++;
  const successor = leadership.followers.get(transfer.to);
  if (successor === undefined || transfer.ticks >= core.limits.electionTicks) {
    leadership.transfer = null;
    core.outbox.transferUndone();
  } else if (leadership.ticksToHeartbeat === core.limits.heartbeatTicks) {
    transfer.asked = false;
    continueTransfer(core, successor);
  }
}

/** The follower holds more: if it is the successor, that may be all. */
export function continueTransfer(core: Core, progress: Progress): void {
  const { transfer } = leading(core);
  if (transfer?.to !== progress.peer.nodeId || transfer.asked || progress.matchIndex < core.entries.lastIndex) return;
  transfer.asked = true;
  askToCampaign(core, progress);
}

/** A leader that is no voter any more leaves; the best of the others need not wait for a timeout. */
export function nameSuccessor(core: Core): void {
  const successor = choose(core, null);
  if (successor?.matchIndex === core.entries.lastIndex) askToCampaign(core, successor);
}

export function onTimeoutNow(core: Core, { last }: TimeoutNow): void {
  const own = core.entries.last;
  if (core.role === "leader" || !mayCampaign(core) || last.index !== own.index || last.term !== own.term) return;
  core.attempts = 0;
  campaign(core);
}

function askToCampaign(core: Core, { peer }: Progress): void {
  speak(core, peer, { kind: "timeout-now", term: core.term, last: core.entries.last });
}

/** Of the voters that were heard of late the one that holds most. */
function choose(core: Core, to: NodeId | null): Progress | null {
  let best: Progress | null = null;
  for (const voter of votersOf(core)) {
    const progress = leading(core).followers.get(voter.nodeId);
    if (progress === undefined || !isSame(progress.peer, voter) || (to !== null && voter.nodeId !== to)) continue;
    if (progress.silentTicks < core.limits.electionTicks && progress.matchIndex > (best?.matchIndex ?? -1)) best = progress;
  }
  return best;
}
