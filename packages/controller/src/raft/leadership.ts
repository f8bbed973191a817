import { assert } from "./assert.ts";
import { advanceCommit, reachedByMajority } from "./commit.ts";
import { isVoter, leading, votersOf, type Core } from "./core.ts";
import { newProgress } from "./progress.ts";
import { settleReads } from "./read-index.ts";
import { replicate } from "./sending.ts";
import type { NodeId, Proposal, Voter } from "./types.ts";
import { isSame } from "./voter-sets.ts";
import { whyNotVoters } from "./voter-change.ts";

const NO_DATA = new Uint8Array(0);

/** Begins the term's leadership with an entry of its own: once that is committed, so is everything before it (Raft §5.4.2). The first leader ever
 * begins with the founding entry. */
export function lead(core: Core): void {
  const { entries } = core;
  assert(
    isSame(core.votedFor, core.self),
    () => `node ${core.self.nodeId} leads term ${core.term}, its vote went to ${core.votedFor?.nodeId}`,
  );
  core.role = "leader";
  core.leader = core.self.nodeId;
  core.leaderSilentTicks = null;
  core.attempts = 0;
  core.votes.clear();
  core.leadership = {
    followers: new Map(),
    firstIndex: entries.lastIndex + 1,
    announced: false,
    ticksToHeartbeat: core.limits.heartbeatTicks,
    round: 0,
    reads: [],
    transfer: null,
    suspended: new Map(),
  };
  const first = entries.voterSets.newest === null ? core.founding : null;
  append(core, [first ?? { data: NO_DATA, voters: null }]);
  core.founding = null;
}

/** Appends at the leader; it leaves for the others without waiting for the own disk. */
export function appendOwn(core: Core, proposals: readonly Proposal[]): void {
  const { transfer } = leading(core);
  assert(transfer === null, () => `node ${core.self.nodeId} proposes in term ${core.term} while it hands over to ${transfer?.to}`);
  const changes = proposals.filter(({ voters }) => voters !== null);
  assert(changes.length <= 1, () => `${changes.length} changes of the voters proposed at once`);
  for (const { voters } of changes) {
    const refusal = voters === null ? null : whyNotVoters(core, voters);
    assert(refusal === null, () => `node ${core.self.nodeId} may not change the voters: ${refusal}`);
  }
  append(core, proposals);
}

function append(core: Core, proposals: readonly Proposal[]): void {
  const { entries } = core;
  const next = entries.lastIndex + 1;
  const added = proposals.map(({ data, voters }, i) => ({ index: next + i, term: core.term, data, voters }));
  entries.append(added);
  core.outbox.append(added);
  if (added.some(({ index, voters }) => voters !== null || index === leading(core).firstIndex)) {
    reviseFollowers(core, 0);
    // A smaller set needs fewer for what is there already.
    advanceCommit(core);
    settleReads(core);
  }
  for (const progress of leading(core).followers.values()) replicate(core, progress);
}

/** Who is fed: voters and learners. A learner stands for the voter of its node id that lost its directory.
 * @param silentTicks of those that come in: 0 gives a new voter an election timeout to answer */
export function reviseFollowers(core: Core, silentTicks: number): void {
  const { followers, suspended } = leading(core);
  const wanted = new Map<NodeId, Voter>();
  for (const peer of [...votersOf(core), ...core.learners])
    if (peer.nodeId !== core.self.nodeId && !suspended.has(peer.directoryId)) wanted.set(peer.nodeId, peer);
  for (const [nodeId, { peer }] of followers) if (!isSame(wanted.get(nodeId) ?? null, peer)) followers.delete(nodeId);
  for (const [nodeId, peer] of wanted)
    if (!followers.has(nodeId)) followers.set(nodeId, newProgress(peer, leading(core).firstIndex, silentTicks));
}

/** Leadership ends; whoever calls it says what comes next. */
export function resign(core: Core): void {
  const { announced, reads } = leading(core);
  for (const read of reads) core.outbox.answer({ id: read.id, index: null });
  if (announced) core.outbox.lost(core.term);
  core.leadership = null;
  core.elapsedTicks = 0;
}

/** A leader that no majority has answered for an election timeout cannot commit, and others may have elected somebody. */
export function hasQuorum(core: Core): boolean {
  return -reachedByMajority(core, 0, (progress) => -progress.silentTicks) < core.limits.electionTicks;
}

/** A set of voters without this leader is committed: it may not lead any further. */
export function isOut(core: Core): boolean {
  const { newest } = core.entries.voterSets;
  return newest !== null && newest.index <= core.commitIndex && !isVoter(core, core.self);
}
