import { pb, ProtocolError } from "@ottla/protocol";
import type { Message } from "../raft/index.ts";

export function encodeMessage(message: Message): Uint8Array {
  return pb.RaftMessage.encode({ term: message.term, message: body(message) });
}

/** @throws ProtocolError INVALID_REQUEST */
export function decodeMessage(bytes: Uint8Array): Message {
  const { term, message } = pb.RaftMessage.decode(bytes);
  switch (message.case) {
    case "voteRequest": {
      const { preVote, lastIndex, lastTerm } = message.value;
      return { kind: "vote-request", term, preVote, last: { index: lastIndex, term: lastTerm } };
    }
    case "voteReply":
      return { kind: "vote-reply", term, preVote: message.value.preVote, granted: message.value.granted };
    case "appendRequest": {
      const { previousIndex, previousTerm, commitIndex, round, entries } = message.value;
      requireOrder(term, message.value);
      return { kind: "append-request", term, previous: { index: previousIndex, term: previousTerm }, commitIndex, round, entries };
    }
    case "appendReply": {
      const { success, matchIndex, round } = message.value;
      return { kind: "append-reply", term, success, matchIndex, round };
    }
    case undefined:
      throw new ProtocolError("INVALID_REQUEST", `Cannot read a Raft message of term ${term}: it holds none of the known messages`);
  }
}

function body(message: Message): pb.RaftMessage["message"] {
  switch (message.kind) {
    case "vote-request":
      return { case: "voteRequest", value: { preVote: message.preVote, lastIndex: message.last.index, lastTerm: message.last.term } };
    case "vote-reply":
      return { case: "voteReply", value: { preVote: message.preVote, granted: message.granted } };
    case "append-request": {
      const { previous, commitIndex, round, entries } = message;
      return {
        case: "appendRequest",
        value: { previousIndex: previous.index, previousTerm: previous.term, commitIndex, round, entries: [...entries] },
      };
    }
    case "append-reply":
      return { case: "appendReply", value: { success: message.success, matchIndex: message.matchIndex, round: message.round } };
  }
}

/** Entries follow each other without a gap and their terms never fall. */
function requireOrder(term: number, request: pb.AppendRequest): void {
  let index = request.previousIndex;
  let last = request.previousTerm;
  for (const entry of request.entries) {
    if (entry.index !== index + 1 || entry.term < last || entry.term > term)
      throw new ProtocolError(
        "INVALID_REQUEST",
        `Cannot take entry (${entry.index}, term ${entry.term}) after (${index}, term ${last}) from a leader of term ${term}: indexes rise by one, terms never fall`,
      );
    index = entry.index;
    last = entry.term;
  }
}
