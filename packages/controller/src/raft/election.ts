import { assert } from "./assert.ts";
import { isVoter, majority, mayCampaign, speak, votersOf, type Core } from "./core.ts";
import { lead, resign } from "./leadership.ts";
import type { LogPosition, NodeId, VoteReply, VoteRequest, Voter } from "./types.ts";
import { isSame } from "./voter-sets.ts";

const LOST_LEADER_TICKS = 5;
const LOST_LEADER_TICKS_PER_PLACE = 10;
/** After {@link reachedPeer}: long enough for the other's streams to be there as well, and for each voter's turn to be over before the next one's. */
const REACHED_TICKS = 2;
const REACHED_TICKS_PER_PLACE = 5;
const REACHED_TICKS_CHANCE = 2;
const RETRY_TICKS_MIN = 5;
const RETRY_TICKS_MAX = 30;

export function electionTick(core: Core): void {
  core.elapsedTicks++;
  if (core.leaderSilentTicks !== null) core.leaderSilentTicks++;
  if (core.elapsedTicks >= core.timeoutTicks && mayCampaign(core)) askAround(core);
}

/** Follows whoever leads `term`, which is this voter's term or a later one; null when that is not known. */
export function follow(core: Core, term: number, leader: NodeId | null): void {
  if (core.role === "leader") resign(core);
  const news = core.role !== "follower" || core.leader !== leader || term > core.term;
  if (term > core.term) {
    core.term = term;
    core.votedFor = null;
    core.outbox.vote(term, null);
  }
  core.role = "follower";
  core.leader = leader;
  core.votes.clear();
  core.leaderSilentTicks = leader === null ? null : 0;
  if (leader !== null) {
    core.attempts = 0;
    core.elapsedTicks = 0;
  }
  if (news) core.timeoutTicks = electionTimeout(core);
}

/** The connection to `peer` is gone, or it says itself that it leads no more. If it led, the voters after it in the ring campaign one after the other, which seldom splits the vote. */
export function lostPeer(core: Core, peer: NodeId): void {
  if (core.leader !== peer) return;
  core.leader = null;
  core.leaderSilentTicks = null;
  core.elapsedTicks = 0;
  core.timeoutTicks = LOST_LEADER_TICKS + LOST_LEADER_TICKS_PER_PLACE * placeAfter(core, peer);
}

/** A voter without a leader need not wait for the end of its election timeout once there is somebody to ask: after a start, or after a time without
 * majority, nobody may lead. If somebody does, its heartbeat comes first, or the pre-vote is refused. Those who may win take turns, which seldom splits
 * the vote; one whose log is too short gives its turn to who tells it so. */
export function reachedPeer(core: Core, peer: NodeId): void {
  const ids = votersOf(core).map((voter) => voter.nodeId);
  if (!ids.includes(peer)) return;
  const place = Math.max(0, ids.indexOf(core.self.nodeId));
  askWithin(core, REACHED_TICKS + REACHED_TICKS_PER_PLACE * place + core.random.below(REACHED_TICKS_CHANCE + 1));
}

/** Brings the next pre-vote closer, where no leader is known and no campaign is under way. */
function askWithin(core: Core, ticks: number): void {
  if (core.leader === null && core.role !== "candidate") core.timeoutTicks = Math.min(core.timeoutTicks, core.elapsedTicks + ticks);
}

export function onVoteRequest(core: Core, from: Voter, request: VoteRequest): void {
  const upToDate = !isBefore(request.last, core.entries.last);
  if (request.preVote) {
    // Who leads this term and asks for a later one leads no more: its process was started again before anybody missed it.
    if (request.term > core.term && isVoter(core, from)) lostPeer(core, from.nodeId);
    // It lacks what this voter holds, and cannot win: better if this one asks.
    if (!upToDate) askWithin(core, 1);
    const granted = request.term > core.term && upToDate && !hearsLeader(core);
    return speak(core, from, { kind: "vote-reply", term: granted ? request.term : core.term, preVote: true, granted });
  }
  const free = core.votedFor === null && core.leader === null;
  const granted = request.term === core.term && upToDate && (free || isSame(core.votedFor, from));
  if (granted && core.votedFor === null) {
    follow(core, core.term, null);
    core.votedFor = from;
    core.elapsedTicks = 0;
    core.outbox.vote(core.term, from);
  }
  const message: VoteReply = { kind: "vote-reply", term: core.term, preVote: false, granted };
  if (granted) core.outbox.promise(from, message);
  else speak(core, from, message);
}

export function onVoteReply(core: Core, from: Voter, answer: VoteReply): void {
  if (core.role !== (answer.preVote ? "pre-candidate" : "candidate")) return;
  if (answer.granted && answer.term !== (answer.preVote ? core.term + 1 : core.term)) return;
  if (!isVoter(core, from)) return;
  core.votes.set(from.nodeId, answer.granted);
  count(core);
}

/** A pre-vote: finds out whether a campaign could win, without a term or a vote, so that a voter that was cut off disturbs nobody. */
function askAround(core: Core): void {
  stand(core, "pre-candidate");
  core.timeoutTicks = retryTimeout(core);
  core.attempts++;
  requestVotes(core, true);
  count(core);
}

export function campaign(core: Core): void {
  assert(mayCampaign(core), () => `node ${core.self.nodeId} campaigns for term ${core.term + 1} without being a voter`);
  core.term++;
  core.votedFor = core.self;
  core.outbox.vote(core.term, core.self);
  stand(core, "candidate");
  requestVotes(core, false);
  count(core);
}

function stand(core: Core, role: "pre-candidate" | "candidate"): void {
  core.role = role;
  core.leader = null;
  core.leaderSilentTicks = null;
  core.elapsedTicks = 0;
  core.votes.clear();
  if (isVoter(core, core.self)) core.votes.set(core.self.nodeId, true);
}

/** A real request says that this candidate voted for itself, so it waits for the disk; any reply proves that its own vote is there. */
function requestVotes(core: Core, preVote: boolean): void {
  const term = preVote ? core.term + 1 : core.term;
  for (const voter of votersOf(core)) {
    if (voter.nodeId === core.self.nodeId) continue;
    const message: VoteRequest = { kind: "vote-request", term, preVote, last: core.entries.last };
    if (preVote) core.outbox.send(voter, message);
    else core.outbox.promise(voter, message);
  }
}

function count(core: Core): void {
  let granted = 0;
  for (const vote of core.votes.values()) if (vote) granted++;
  if (granted < majority(core)) return;
  if (core.role === "pre-candidate") campaign(core);
  else lead(core);
}

/** A leader, or a voter that hears one, has no reason to help others to a new term. */
function hearsLeader(core: Core): boolean {
  return core.role === "leader" || (core.leaderSilentTicks !== null && core.leaderSilentTicks < core.limits.electionTicks);
}

function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.term === b.term ? a.index < b.index : a.term < b.term;
}

/** 1 for the voter that follows `peer` in the ring of node ids. */
function placeAfter(core: Core, peer: NodeId): number {
  const ids = votersOf(core).map((voter) => voter.nodeId);
  const ring = [...ids.filter((id) => id > peer), ...ids.filter((id) => id < peer)];
  return ring.indexOf(core.self.nodeId) + 1;
}

/** A voter alone has nobody to hear from. */
export function electionTimeout(core: Core): number {
  const { electionTicks } = core.limits;
  const alone = votersOf(core).length === 1 && isVoter(core, core.self);
  return alone ? 0 : electionTicks + core.random.below(electionTicks);
}

function retryTimeout(core: Core): number {
  const factor = 2 ** Math.min(core.attempts, 16);
  const min = Math.min(RETRY_TICKS_MIN * factor, core.limits.electionTicks);
  const max = Math.min(RETRY_TICKS_MAX * factor, 2 * core.limits.electionTicks);
  return min + core.random.below(Math.max(1, max - min));
}
