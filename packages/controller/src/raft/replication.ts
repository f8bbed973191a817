import { assert } from "./assert.ts";
import { advanceCommit } from "./commit.ts";
import { leading, type Core } from "./core.ts";
import { matched, awaitSnapshot, probe, refused } from "./progress.ts";
import { settleReads } from "./read-index.ts";
import { isStale, remindSuspended } from "./suspension.ts";
import { before, heartbeat, replicate, tellCommit, transmit } from "./sending.ts";
import { continueTransfer, transferTick } from "./transfer.ts";
import type { AppendReply, Entry, NodeId, Voter } from "./types.ts";
import { isSame } from "./voter-sets.ts";

export function replicationTick(core: Core): void {
  const leadership = leading(core);
  leadership.ticksToHeartbeat--;
  const heartbeatDue = leadership.ticksToHeartbeat <= 0;
  if (heartbeatDue) leadership.ticksToHeartbeat = core.limits.heartbeatTicks;
  for (const progress of leadership.followers.values()) {
    progress.silentTicks++;
    if (progress.inFlight.length > 0 && ++progress.stalledTicks >= core.limits.electionTicks) probe(progress, progress.matchIndex + 1);
    if (heartbeatDue) heartbeat(core, progress);
  }
  if (heartbeatDue) remindSuspended(core);
  transferTick(core);
}

/** What is in flight to a follower may be lost; the next heartbeat finds out from where on. */
export function brokenConnection(core: Core, peer: NodeId): void {
  const progress = core.leadership?.followers.get(peer);
  if (progress === undefined) return;
  probe(progress, progress.matchIndex + 1);
  progress.probeSent = true;
}

/** Who has just come learns who leads, and what it lacks, without waiting for a heartbeat. */
export function reachedFollower(core: Core, peer: NodeId): void {
  const progress = leading(core).followers.get(peer);
  if (progress !== undefined) heartbeat(core, progress);
}

/** Entries read for a follower arrive. By now they may be the wrong ones: it has moved, or the log was cut and rewritten. */
export function onLoaded(core: Core, peer: NodeId, loaded: readonly Entry[]): void {
  const progress = core.leadership?.followers.get(peer);
  if (progress === undefined || !progress.loading) return;
  progress.loading = false;
  const fits =
    progress.state !== "snapshot" &&
    progress.nextIndex >= core.entries.lowestNext &&
    loaded.length > 0 &&
    loaded.every((entry, i) => entry.index === progress.nextIndex + i && core.entries.termAt(entry.index) === entry.term);
  if (!fits) {
    if (progress.state === "snapshot") return;
    probe(progress, progress.nextIndex);
    progress.probeSent = true;
    return;
  }
  if (progress.state === "replicate" || !progress.probeSent) transmit(core, progress, before(core, progress.nextIndex), loaded);
  replicate(core, progress);
}

export function onAppendReply(core: Core, from: Voter, answer: AppendReply): void {
  const progress = leading(core).followers.get(from.nodeId);
  if (progress === undefined || !isSame(progress.peer, from)) return;
  progress.silentTicks = 0;
  progress.round = Math.max(progress.round, answer.round);
  if (answer.success) {
    assert(
      answer.matchIndex <= core.entries.lastIndex,
      () => `node ${from.nodeId} holds ${answer.matchIndex} of ${core.entries.lastIndex}`,
    );
    matched(progress, answer.matchIndex);
    if (progress.state === "snapshot" && progress.matchIndex + 1 >= core.entries.lowestNext) probe(progress, progress.matchIndex + 1);
    if (progress.state === "probe" && progress.matchIndex >= progress.nextIndex - 1) progress.state = "replicate";
    if (advanceCommit(core)) for (const other of leading(core).followers.values()) tellCommit(core, other);
    continueTransfer(core, progress);
  } else if (isStale(core, progress, answer)) return;
  else if (answer.matchIndex >= progress.matchIndex && progress.state !== "snapshot") {
    if (answer.matchIndex + 1 < core.entries.lowestNext) {
      awaitSnapshot(progress);
      core.outbox.snapshot(progress.peer);
    } else refused(progress, answer.matchIndex, core.entries.lowestNext);
  }
  replicate(core, progress);
  tellCommit(core, progress);
  settleReads(core);
}
