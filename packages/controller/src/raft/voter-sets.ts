import { assert } from "./assert.ts";
import type { Entry, Voter, Voters, VoterSet } from "./types.ts";

/** Who the voters were from which entry on, as the log tells it. The newest set rules from the moment it is appended, committed or not (Raft dissertation
 * §4.1), and goes with its entry when that is cut off. */
export class VoterSets {
  /** Rising in index. */
  #sets: VoterSet[];

  constructor(sets: readonly VoterSet[]) {
    this.#sets = [...sets];
  }

  /** Null: this node has never heard of any voters. */
  get newest(): VoterSet | null {
    return this.#sets.at(-1) ?? null;
  }

  /** The set that rules at `index`; null when that is not known. */
  at(index: number): VoterSet | null {
    return this.#sets.findLast((set) => set.index <= index) ?? null;
  }

  append({ index, voters }: Entry): void {
    if (voters !== null) this.#sets.push({ index, voters });
  }

  truncateFrom(index: number): void {
    while ((this.newest?.index ?? -1) >= index) this.#sets.pop();
  }

  /** Nobody asks any more what held before the entry at `index`. */
  forgetBefore(index: number): void {
    const from = this.#sets.findLastIndex((set) => set.index <= index);
    if (from > 0) this.#sets.splice(0, from);
  }
}

export function isSame(a: Voter | null, b: Voter): boolean {
  return a !== null && a.nodeId === b.nodeId && a.directoryId === b.directoryId;
}

export function includes(voters: Voters, who: Voter): boolean {
  return voters.some((voter) => isSame(voter, who));
}

/** Sets that differ by one voter have a voter in common in any two majorities; a replaced directory makes two changes (Raft dissertation §4.1). */
export function changesBetween(before: Voters, after: Voters): number {
  const removed = before.filter((voter) => !includes(after, voter)).length;
  const added = after.filter((voter) => !includes(before, voter)).length;
  return removed + added;
}

export function requireSet(voters: Voters): void {
  assert(voters.length > 0, () => "a set without voters");
  voters.forEach((voter, i) => {
    const before = voters[i - 1];
    assert(
      before === undefined || before.nodeId < voter.nodeId,
      () => `voters not sorted by node id, or one twice: ${before?.nodeId}, ${voter.nodeId}`,
    );
  });
}
