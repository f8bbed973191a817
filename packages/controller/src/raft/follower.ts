import { assert } from "./assert.ts";
import { speak, type Core } from "./core.ts";
import { follow } from "./election.ts";
import type { AppendReply, AppendRequest, Voter } from "./types.ts";

/** Takes what the leader of this term sends. */
export function onAppendRequest(core: Core, from: Voter, request: AppendRequest): void {
  assert(core.role !== "leader", () => `nodes ${core.self.nodeId} and ${from.nodeId} both lead term ${core.term}`);
  follow(core, core.term, from.nodeId);
  core.founding = null;
  const { entries } = core;
  const { previous, round } = request;
  // Below the commit index both logs are the same, whatever this one still holds of it.
  if (previous.index > core.commitIndex && entries.termAt(previous.index) !== previous.term) {
    const matchIndex = Math.max(core.commitIndex, entries.lastWithTermAtMost(previous.term, previous.index - 1));
    return speak(core, from, { kind: "append-reply", term: core.term, success: false, matchIndex, round });
  }
  take(core, request);
  const end = previous.index + request.entries.length;
  core.commitIndex = Math.max(core.commitIndex, Math.min(request.commitIndex, end));
  const matchIndex = Math.max(end, Math.min(core.commitIndex, entries.durableIndex));
  const message: AppendReply = { kind: "append-reply", term: core.term, success: true, matchIndex, round };
  if (matchIndex > entries.durableIndex) core.outbox.promise(from, message);
  else speak(core, from, message);
}

function take(core: Core, request: AppendRequest): void {
  const { entries } = core;
  const start = request.entries.findIndex((entry) => {
    const term = entries.termAt(entry.index);
    assert(
      entry.index > core.commitIndex || term === null || term === entry.term,
      () => `entry ${entry.index} of term ${entry.term} contradicts the committed one of term ${term}`,
    );
    return entry.index > core.commitIndex && term !== entry.term;
  });
  if (start === -1) return;
  const news = request.entries.slice(start);
  const from = news[0];
  if (from !== undefined && from.index <= entries.lastIndex) {
    entries.truncateFrom(from.index);
    core.outbox.truncateFrom(from.index);
  }
  entries.append(news);
  core.outbox.append(news);
}
