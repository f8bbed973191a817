import { assert } from "./assert.ts";
import { majority, type Core } from "./core.ts";
import { newProgress, type Progress } from "./progress.ts";
import { replicate } from "./sending.ts";
import type { NodeId } from "./types.ts";

const NO_DATA = new Uint8Array(0);

/** Begins the term's leadership with an entry of its own: once that is committed, so is everything before it (Raft §5.4.2). */
export function lead(core: Core): void {
  const { entries } = core;
  assert(
    core.votedFor?.nodeId === core.self.nodeId,
    () => `node ${core.self.nodeId} leads term ${core.term}, its vote went to ${core.votedFor?.nodeId}`,
  );
  const firstIndex = entries.lastIndex + 1;
  const followers = new Map<NodeId, Progress>();
  for (const { nodeId } of core.voters) if (nodeId !== core.self.nodeId) followers.set(nodeId, newProgress(nodeId, firstIndex));
  core.role = "leader";
  core.leader = core.self.nodeId;
  core.leaderSilentTicks = null;
  core.attempts = 0;
  core.votes.clear();
  core.leadership = { followers, firstIndex, announced: false, ticksToHeartbeat: core.limits.heartbeatTicks, round: 0, reads: [] };
  appendOwn(core, [NO_DATA]);
}

/** Appends at the leader; it leaves for the others without waiting for the own disk. */
export function appendOwn(core: Core, data: readonly Uint8Array[]): void {
  const { entries, leadership } = core;
  assert(leadership !== null, () => `node ${core.self.nodeId} proposes in term ${core.term} as ${core.role}`);
  const next = entries.lastIndex + 1;
  const added = data.map((bytes, i) => ({ index: next + i, term: core.term, data: bytes }));
  entries.append(added);
  core.outbox.append(added);
  for (const progress of leadership.followers.values()) replicate(core, progress);
}

/** Leadership ends; whoever calls it says what comes next. */
export function resign(core: Core): void {
  const { leadership } = core;
  assert(leadership !== null, () => `node ${core.self.nodeId} resigns in term ${core.term} as ${core.role}`);
  for (const read of leadership.reads) core.outbox.answer({ id: read.id, index: null });
  if (leadership.announced) core.outbox.lost(core.term);
  core.leadership = null;
  core.elapsedTicks = 0;
}

/** A leader that no majority has answered for an election timeout cannot commit, and others may have elected somebody. */
export function hasQuorum(core: Core): boolean {
  const { leadership } = core;
  assert(leadership !== null, () => `node ${core.self.nodeId} counts its followers in term ${core.term} as ${core.role}`);
  let heard = 1;
  for (const progress of leadership.followers.values()) if (progress.silentTicks < core.limits.electionTicks) heard++;
  return heard >= majority(core);
}
