import type { Entry, LogPosition, Message, Persist, Voter } from "../types.ts";

/** The node id, and a stroke for each directory that it lost. */
export function voterText({ nodeId, directoryId }: Voter): string {
  return `${nodeId}${"'".repeat(directoryId.split("'").length - 1)}`;
}

export function persistText({ vote, truncateFrom, entries }: Persist): string {
  const parts: string[] = [];
  if (vote !== null) parts.push(`term ${vote.term}, vote ${vote.votedFor?.nodeId ?? "none"}`);
  if (truncateFrom !== null) parts.push(`cut from ${truncateFrom}`);
  return [...parts, ...entries.map(entryText)].join("; ");
}

export function entryText({ index, term, data, voters }: Entry): string {
  const set = voters === null ? "" : ` {${voters.map(voterText).join(" ")}}`;
  return `${index}/${term}${data.length === 0 ? "" : `:${new TextDecoder().decode(data)}`}${set}`;
}

function positionText({ index, term }: LogPosition): string {
  return `${index}/${term}`;
}

export function messageText(message: Message): string {
  const { term } = message;
  switch (message.kind) {
    case "vote-request":
      return `${message.preVote ? "would you vote" : "vote"} for me in term ${term}, my log ends at ${positionText(message.last)}`;
    case "vote-reply":
      return `${message.granted ? "yes" : "no"}${message.preVote ? `, I would${message.granted ? "" : " not"}` : ""} (term ${term})`;
    case "append-request":
      return `after ${positionText(message.previous)} append ${message.entries.map(entryText).join(" ") || "nothing"} (term ${term}, committed ${message.commitIndex}, round ${message.round})`;
    case "timeout-now":
      return `campaign at once, if your log ends at ${positionText(message.last)} (term ${term})`;
    case "suspended":
      return `you held up to ${message.matchIndex} and do not any more: you are suspended (term ${term})`;
    case "append-reply":
      return `${message.success ? "I hold" : "no, try after"} ${message.matchIndex} (term ${term}, round ${message.round})`;
  }
}
