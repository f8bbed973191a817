import type { Randomness } from "../core.ts";
import type { Entry, Persist, Restored, Voter } from "../types.ts";

/** What a voter's disk holds: synced content, and writes under way that a crash may or may not leave behind. */
export class SimulatedDisk {
  term = 0;
  votedFor: Voter | null = null;
  /** Index of the first entry that was not trimmed. */
  firstIndex = 1;
  entries: Entry[] = [];
  /** Applied according to the checkpoint. */
  appliedIndex = 0;
  #underWay: Persist[] = [];

  get lastIndex(): number {
    return this.firstIndex + this.entries.length - 1;
  }

  get writing(): boolean {
    return this.#underWay.length > 0;
  }

  at(index: number): Entry | undefined {
    return this.entries[index - this.firstIndex];
  }

  write(persist: Persist): void {
    this.#underWay.push(persist);
  }

  /** Finishes the oldest write and tells its id. */
  sync(): number {
    const persist = this.#underWay.shift();
    if (persist === undefined) throw new Error("nothing is being written");
    this.#saveVote(persist);
    this.#saveEntries(persist, persist.entries.length);
    return persist.id;
  }

  /** Vote file and log are written side by side, so each keeps its own part of what was under way; the log may be torn within a write. */
  crash(random: Randomness): void {
    const votes = random.below(this.#underWay.length + 1);
    const logs = random.below(this.#underWay.length + 1);
    for (const persist of this.#underWay.slice(0, votes)) this.#saveVote(persist);
    for (const persist of this.#underWay.slice(0, logs)) this.#saveEntries(persist, persist.entries.length);
    const torn = this.#underWay[logs];
    if (torn !== undefined && random.below(2) === 1) this.#saveEntries(torn, random.below(torn.entries.length + 1));
    this.#underWay = [];
  }

  /** What can be read: finished or not. */
  read(from: number, until: number, count: number): Entry[] {
    const view = new SimulatedDisk();
    view.firstIndex = this.firstIndex;
    view.entries = [...this.entries];
    for (const persist of this.#underWay) view.#saveEntries(persist, persist.entries.length);
    if (from < view.firstIndex) return [];
    return view.entries.slice(from - view.firstIndex, Math.min(until - view.firstIndex, from - view.firstIndex + count));
  }

  trim(index: number): void {
    this.entries.splice(0, index - this.firstIndex);
    this.firstIndex = index;
  }

  restored(): Restored {
    const { term, votedFor, firstIndex, lastIndex, entries } = this;
    const terms = entries
      .filter((entry, i) => entry.term !== entries[i - 1]?.term)
      .map((entry) => ({ index: entry.index, term: entry.term }));
    return { term, votedFor, firstIndex, lastIndex, terms, commitIndex: this.appliedIndex };
  }

  #saveVote({ vote }: Persist): void {
    if (vote === null) return;
    this.term = vote.term;
    this.votedFor = vote.votedFor;
  }

  #saveEntries({ truncateFrom, entries }: Persist, count: number): void {
    if (truncateFrom !== null) this.entries.length = Math.max(0, truncateFrom - this.firstIndex);
    this.entries.push(...entries.slice(0, count));
  }
}
