import { assert } from "./assert.ts";
import type { Core, RaftOptions } from "./core.ts";
import { electionTimeout } from "./election.ts";
import { Entries } from "./entries.ts";
import { Outbox } from "./outbox.ts";

/** A voter as it comes back from its disk. */
export function restore({ self, limits, random, restored }: RaftOptions): Core {
  const entries = new Entries(restored, limits.tailBytes);
  const { commitIndex } = restored;
  assert(commitIndex <= entries.lastIndex, () => `the log ends at ${entries.lastIndex}, before ${commitIndex}, which was committed`);
  assert(
    commitIndex >= entries.firstIndex - 1,
    () => `the log begins at ${entries.firstIndex}, after ${commitIndex}, up to which it was applied`,
  );
  const core: Core = {
    self,
    limits,
    random,
    entries,
    outbox: new Outbox(),
    role: "follower",
    term: restored.term,
    votedFor: restored.votedFor,
    leader: null,
    commitIndex,
    deliveredIndex: commitIndex,
    elapsedTicks: 0,
    timeoutTicks: 0,
    leaderSilentTicks: null,
    attempts: 0,
    votes: new Map(),
    leadership: null,
    learners: [],
    suspended: false,
    founding: null,
  };
  core.timeoutTicks = electionTimeout(core);
  if (entries.last.term > restored.term) loseVote(core, entries.last.term);
  return core;
}

/** Entries of a term came to the disk before the term itself did. Whom this voter voted for is not known; that nobody was told is: promises wait for both.
 * A vote for itself keeps it from giving another one in that term. */
function loseVote(core: Core, term: number): void {
  core.term = term;
  core.votedFor = core.self;
  core.outbox.vote(term, core.self);
}
