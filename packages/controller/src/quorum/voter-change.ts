import { pb, ProtocolError, uuidFromBytes } from "@ottla/protocol";
import type { Voters } from "../raft/index.ts";

/** So few entries behind, a learner is as good as there: it gets the rest within a round. */
const MAX_LAG_ENTRIES = 1000;

export interface Circumstances {
  /** As the leader sees them. */
  readonly members: readonly pb.QuorumMember[];
  readonly commitIndex: number;
  readonly electionTimeoutMs: number;
  /** What is against these voters now, null if nothing. */
  whyNot(voters: Voters): string | null;
}

/** Who votes after the change. One voter comes or goes at a time, so that any majority before has a voter in common with any after (R15); a replaced
 * directory therefore goes here, and the node's new one comes with {@link caughtUpReplacement}.
 * @throws ProtocolError that says why it cannot be */
export function changedVoters(call: pb.ChangeVotersCall, current: pb.VotersRecord, around: Circumstances): pb.VotersRecord {
  const { nodeId } = call;
  const voter = current.voters.find((each) => each.nodeId === nodeId);
  let next: pb.VotersRecord;
  if (call.change === pb.ChangeVotersCall_Change.ADD) {
    if (voter !== undefined) throw new ProtocolError("DUPLICATE_VOTER", `Cannot add controller ${nodeId} to the voters: it votes already`);
    next = withLearner(current, caughtUp(`add controller ${nodeId} to the voters`, nodeId, around));
  } else {
    const replace = call.change === pb.ChangeVotersCall_Change.REPLACE;
    const action = replace ? `replace controller ${nodeId} among the voters` : `remove controller ${nodeId} from the voters`;
    if (voter === undefined)
      throw new ProtocolError(
        "VOTER_NOT_FOUND",
        `Cannot ${action}: the voters are ${ids(current.voters)}; ottla controller list shows them`,
      );
    if (replace) caughtUp(action, nodeId, around);
    next = without(current, nodeId, replace);
    requireMajority(action, next, around);
  }
  const why = around.whyNot(votersIn(next));
  if (why !== null)
    throw new ProtocolError("VOTER_CHANGE_PENDING", `Cannot change the voters of the controllers now: ${why}; try again in a moment`);
  return next;
}

/** What the leader does by itself: a voter whose node came back with another directory, which holds everything by now, makes room for it; null when
 * there is nothing to do, or when it cannot be done now. */
export function caughtUpReplacement(current: pb.VotersRecord, around: Circumstances): { record: pb.VotersRecord; text: string } | null {
  for (const learner of around.members) {
    const { nodeId } = learner;
    if (learner.voter || !isCaughtUp(learner, around)) continue;
    const voter = current.voters.find((each) => each.nodeId === nodeId);
    if (voter === undefined && !current.replacing.includes(nodeId)) continue;
    const record = voter === undefined ? withLearner(current, learner) : without(current, nodeId, true);
    if (voter !== undefined && aliveIn(record, around) < majorityOf(record)) continue;
    if (around.whyNot(votersIn(record)) !== null) continue;
    const text =
      voter === undefined
        ? `controller ${nodeId} votes again, with its new directory`
        : `controller ${nodeId} lost its directory and votes no longer with the former`;
    return { record, text };
  }
  return null;
}

/** As Raft knows them. */
export function votersIn({ voters }: pb.VotersRecord): Voters {
  return voters
    .map(({ nodeId, directoryId }) => ({ nodeId, directoryId: uuidFromBytes(directoryId) }))
    .toSorted((one, other) => one.nodeId - other.nodeId);
}

function caughtUp(action: string, nodeId: number, around: Circumstances): pb.QuorumMember {
  const learner = around.members.find((member) => member.nodeId === nodeId && !member.voter);
  if (learner === undefined)
    throw new ProtocolError(
      "VOTER_NOT_FOUND",
      `Cannot ${action}: no controller of node ${nodeId} follows this cluster without a vote; start that node with process.roles=controller,broker, an empty controller directory and controller.quorum.bootstrap.servers`,
    );
  if (!isCaughtUp(learner, around))
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot ${action}: it holds entries up to ${learner.matchIndex} of ${around.commitIndex} and was last heard ${learner.silentMs} ms ago; wait until it has caught up`,
    );
  return learner;
}

function isCaughtUp({ matchIndex, silentMs }: pb.QuorumMember, { commitIndex, electionTimeoutMs }: Circumstances): boolean {
  return matchIndex > 0 && matchIndex + MAX_LAG_ENTRIES >= commitIndex && silentMs >= 0 && silentMs < electionTimeoutMs;
}

function requireMajority(action: string, next: pb.VotersRecord, around: Circumstances): void {
  if (next.voters.length === 0) throw new ProtocolError("INVALID_REQUEST", `Cannot ${action}: it is the only voter; add another one first`);
  const alive = aliveIn(next, around);
  if (alive < majorityOf(next))
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot ${action}: of the voters that would be left, ${ids(next.voters)}, only ${alive} can be reached, and ${majorityOf(next)} are needed; bring the others back first`,
    );
}

/** Several heartbeats missed are doubt enough: a majority that rests on a voter which just died is gone for good. One that a new leader has
 * not heard of yet has matched nothing. */
function aliveIn({ voters }: pb.VotersRecord, { members, electionTimeoutMs }: Circumstances): number {
  const isAlive = ({ voter, matchIndex, silentMs }: pb.QuorumMember): boolean =>
    voter && matchIndex > 0 && silentMs >= 0 && silentMs < electionTimeoutMs / 2;
  return voters.filter(({ nodeId }) => members.some((member) => member.nodeId === nodeId && isAlive(member))).length;
}

function majorityOf({ voters }: pb.VotersRecord): number {
  return Math.floor(voters.length / 2) + 1;
}

function withLearner({ voters, replacing }: pb.VotersRecord, learner: pb.QuorumMember): pb.VotersRecord {
  const { nodeId, directoryId, host, port } = learner;
  const added = [...voters, { nodeId, directoryId, host, port }].toSorted((one, other) => one.nodeId - other.nodeId);
  return { voters: added, replacing: replacing.filter((each) => each !== nodeId) };
}

function without({ voters, replacing }: pb.VotersRecord, nodeId: number, replaced: boolean): pb.VotersRecord {
  const others = replacing.filter((each) => each !== nodeId);
  return { voters: voters.filter((each) => each.nodeId !== nodeId), replacing: replaced ? [...others, nodeId] : others };
}

function ids(voters: readonly pb.Voter[]): string {
  return voters.map(({ nodeId }) => nodeId).join(", ");
}
