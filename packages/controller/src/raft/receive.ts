import { speak, type Core } from "./core.ts";
import { follow, onVoteReply, onVoteRequest } from "./election.ts";
import { onAppendRequest } from "./follower.ts";
import { onAppendReply } from "./replication.ts";
import { onSuspended } from "./suspension.ts";
import { onTimeoutNow } from "./transfer.ts";
import type { Message, Voter } from "./types.ts";

/** Anybody may ask, because a set of voters may be newer than what this node knows of it; who answers counts only as the voter it is. */
export function receive(core: Core, from: Voter, message: Message): void {
  if (from.nodeId === core.self.nodeId || core.suspended) return;
  if (message.term > core.term && speaksForItsTerm(message)) follow(core, message.term, null);
  if (message.term < core.term) return refuse(core, from, message);
  switch (message.kind) {
    case "vote-request":
      return onVoteRequest(core, from, message);
    case "vote-reply":
      return onVoteReply(core, from, message);
    case "append-request":
      return onAppendRequest(core, from, message);
    case "append-reply":
      return core.role === "leader" ? onAppendReply(core, from, message) : undefined;
    case "timeout-now":
      return onTimeoutNow(core, message);
    case "suspended":
      return onSuspended(core, message);
  }
}

/** Tells a sender of an older term that time went on; its replies have lost their meaning. */
function refuse(core: Core, from: Voter, message: Message): void {
  const { term } = core;
  if (message.kind === "append-request") {
    speak(core, from, { kind: "append-reply", term, success: false, matchIndex: 0, round: message.round });
  } else if (message.kind === "vote-request") {
    speak(core, from, { kind: "vote-reply", term, preVote: message.preVote, granted: false });
  }
}

/** A pre-vote talks about a term that nobody has begun. */
function speaksForItsTerm(message: Message): boolean {
  if (message.kind === "vote-request") return !message.preVote;
  if (message.kind === "vote-reply") return !(message.preVote && message.granted);
  return true;
}
