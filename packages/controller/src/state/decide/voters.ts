import type { pb } from "@ottla/protocol";
import type { Draft } from "../draft.ts";
import type { Context, QuorumView } from "./context.ts";
import { writeEvent } from "./event.ts";

/** One voter more, or one less. The record must be the only one of its kind in its entry, which Raft reads too. */
export function changeVoters({ draft, quorum }: Context, call: pb.ChangeVotersCall): pb.ChangeVotersAnswer {
  writeVoters(draft, quorum, quorum.changedVoters(call, draft.state.votersRecord), "an operator asked for it");
  const { voters } = draft.state;
  const members = quorum.members();
  return {
    members: voters.map((voter) => {
      const member = members.find((each) => each.nodeId === voter.nodeId);
      return { matchIndex: member?.matchIndex ?? 0, silentMs: member?.silentMs ?? -1, ...voter, voter: true };
    }),
  };
}

export function writeVoters(draft: Draft, { nodeId }: Pick<QuorumView, "nodeId">, record: pb.VotersRecord, why: string): void {
  const before = draft.state.voters.map((voter) => voter.nodeId);
  draft.write({ case: "voters", value: record });
  const after = record.voters.map((voter) => voter.nodeId);
  writeEvent(draft, "voters", { nodeId }, `The voters are [${after.join(", ")}] instead of [${before.join(", ")}]: ${why}`);
}
