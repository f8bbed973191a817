import { pb, ProtocolError, uuidFromBytes, uuidToBytes, type Uuid } from "@ottla/protocol";
import type { Entry, Message, Voters } from "../raft/index.ts";

export function encodeMessage(message: Message): Uint8Array {
  return pb.RaftMessage.encode({ term: message.term, message: body(message) });
}

/** @throws ProtocolError INVALID_REQUEST */
export function decodeMessage({ term, message }: pb.RaftMessage): Message {
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
      const previous = { index: previousIndex, term: previousTerm };
      return { kind: "append-request", term, previous, commitIndex, round, entries: entries.map(decodeEntry) };
    }
    case "appendReply": {
      const { success, matchIndex, round } = message.value;
      return { kind: "append-reply", term, success, matchIndex, round };
    }
    case "timeoutNow":
      return { kind: "timeout-now", term, last: { index: message.value.lastIndex, term: message.value.lastTerm } };
    case "suspended":
      return { kind: "suspended", term, matchIndex: message.value.matchIndex };
    default:
      throw new ProtocolError("INVALID_REQUEST", `Cannot read a Raft message of term ${term}: it holds none of the known messages`);
  }
}

/** Who votes from an entry on, as the log keeps it beside the entry's data. */
export function encodeVoters(voters: Voters): Uint8Array {
  return pb.RaftVoters.encode(toProto(voters));
}

/** @throws ProtocolError INVALID_REQUEST */
export function decodeVoters(bytes: Uint8Array): Voters {
  return fromProto(pb.RaftVoters.decode(bytes));
}

function decodeEntry({ index, term, data, voters }: pb.RaftEntry): Entry {
  return { index, term, data, voters: voters === undefined ? null : fromProto(voters) };
}

function fromProto({ voters }: pb.RaftVoters): Voters {
  const found = voters.map(({ nodeId, directoryId }) => ({ nodeId, directoryId: uuidFromBytes(directoryId) }));
  const unsorted = found.some(({ nodeId }, at) => nodeId <= (found[at - 1]?.nodeId ?? -1));
  if (found.length === 0 || unsorted)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `Cannot take the voters [${found.map(({ nodeId }) => nodeId).join(", ")}]: they rise in node id, and there is at least one`,
    );
  return found;
}

function toProto(voters: Voters): pb.RaftVoters {
  return { voters: voters.map(({ nodeId, directoryId }) => ({ nodeId, directoryId: uuidToBytes(directoryId as Uuid) })) };
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
        value: { previousIndex: previous.index, previousTerm: previous.term, commitIndex, round, entries: entries.map(encodeEntry) },
      };
    }
    case "append-reply":
      return { case: "appendReply", value: { success: message.success, matchIndex: message.matchIndex, round: message.round } };
    case "suspended":
      return { case: "suspended", value: { matchIndex: message.matchIndex } };
    case "timeout-now":
      return { case: "timeoutNow", value: { lastIndex: message.last.index, lastTerm: message.last.term } };
  }
}

function encodeEntry({ index, term, data, voters }: Entry): pb.RaftEntry {
  return { index, term, data, voters: voters === null ? undefined : toProto(voters) };
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
