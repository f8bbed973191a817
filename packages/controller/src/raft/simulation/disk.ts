import type { Randomness } from "../core.ts";
import type { Entry, LogPosition, Persist, Restored, Voter, VoterSet } from "../types.ts";

/** The state after the entry at `last`. */
export interface Checkpoint {
  readonly last: LogPosition;
  readonly voters: VoterSet | null;
  /** Of everything up to there. */
  readonly hash: number;
}

interface Content {
  firstIndex: number;
  entries: Entry[];
}

/** What a voter's disk holds: synced content, and writes under way that a crash may or may not leave behind. */
export class SimulatedDisk {
  term = 0;
  votedFor: Voter | null = null;
  checkpoint: Checkpoint = { last: { index: 0, term: 0 }, voters: null, hash: 0 };
  readonly #synced: Content = { firstIndex: 1, entries: [] };
  /** As it will be once every write is done; what can be read. */
  readonly #seen: Content = { firstIndex: 1, entries: [] };
  #underWay: Persist[] = [];

  get firstIndex(): number {
    return this.#synced.firstIndex;
  }
  get lastIndex(): number {
    return this.#synced.firstIndex + this.#synced.entries.length - 1;
  }
  get writing(): boolean {
    return this.#underWay.length > 0;
  }

  /** On disk for good. */
  at(index: number): Entry | undefined {
    return this.#synced.entries[index - this.#synced.firstIndex];
  }

  /** Finished or not. */
  seen(index: number): Entry | undefined {
    return this.#seen.entries[index - this.#seen.firstIndex];
  }

  read(from: number, until: number, count: number): Entry[] {
    const { firstIndex, entries } = this.#seen;
    if (from < firstIndex) return [];
    return entries.slice(from - firstIndex, Math.min(until - firstIndex, from - firstIndex + count));
  }

  write(persist: Persist): void {
    this.#underWay.push(persist);
    save(this.#seen, persist, persist.entries.length);
  }

  /** Finishes the oldest write and tells its id. */
  sync(): number {
    const write = this.#underWay.shift();
    if (write === undefined) throw new Error("nothing is being written");
    this.#saveVote(write);
    this.#saveLog(write);
    return write.id;
  }

  /** Vote file and log are written side by side, so each keeps its own part of what was under way; the log may be torn within a write.
   * @param snapshot not null: takes the place of the checkpoint meanwhile */
  crash(random: Randomness, snapshot: Checkpoint | null = null): void {
    const votes = random.below(this.#underWay.length + 1);
    const logs = random.below(this.#underWay.length + 1);
    for (const write of this.#underWay.slice(0, votes)) this.#saveVote(write);
    for (const write of this.#underWay.slice(0, logs)) this.#saveLog(write);
    const torn = this.#underWay[logs];
    if (torn !== undefined && random.below(2) === 1) this.#tear(torn, random);
    this.#underWay = [];
    if (snapshot !== null) this.checkpoint = snapshot;
    this.#dropLogBehindCheckpoint();
    this.#seen.firstIndex = this.#synced.firstIndex;
    this.#seen.entries = [...this.#synced.entries];
  }

  /** Of what is synced. */
  copy(): SimulatedDisk {
    const copy = new SimulatedDisk();
    copy.term = this.term;
    copy.votedFor = this.votedFor;
    copy.checkpoint = this.checkpoint;
    for (const content of [copy.#synced, copy.#seen]) {
      content.firstIndex = this.#synced.firstIndex;
      content.entries = [...this.#synced.entries];
    }
    return copy;
  }

  trim(index: number): void {
    for (const content of [this.#synced, this.#seen]) {
      if (index <= content.firstIndex) continue;
      content.entries.splice(0, index - content.firstIndex);
      content.firstIndex = index;
    }
  }

  loseLast(): void {
    this.#synced.entries.pop();
    this.#seen.entries = [...this.#synced.entries];
  }

  restored(): Restored {
    const { term, votedFor, lastIndex, checkpoint } = this;
    const { firstIndex, entries } = this.#synced;
    const terms = entries
      .filter((entry, i) => entry.term !== entries[i - 1]?.term)
      .map((entry) => ({ index: entry.index, term: entry.term }));
    const base = checkpoint.last.index === firstIndex - 1 ? checkpoint.last : null;
    const voterSets = checkpoint.voters === null ? [] : [checkpoint.voters];
    const known = checkpoint.voters?.index ?? 0;
    for (const { index, voters } of entries) if (voters !== null && index > known) voterSets.push({ index, voters });
    return { term, votedFor, base, firstIndex, lastIndex, voterSets, terms, commitIndex: checkpoint.last.index };
  }

  /** The log that a snapshot replaces, as a start removes it. */
  #dropLogBehindCheckpoint(): void {
    const { index, term } = this.checkpoint.last;
    if (index < this.firstIndex || this.at(index)?.term === term) return;
    this.#synced.firstIndex = index + 1;
    this.#synced.entries = [];
  }

  #tear(persist: Persist, random: Randomness): void {
    save(this.#synced, persist, random.below(persist.entries.length + 1));
  }

  #saveVote({ vote }: Persist): void {
    if (vote === null) return;
    this.term = vote.term;
    this.votedFor = vote.votedFor;
  }

  #saveLog(persist: Persist): void {
    save(this.#synced, persist, persist.entries.length);
  }
}

function save(content: Content, { truncateFrom, entries }: Persist, count: number): void {
  if (truncateFrom !== null) content.entries.length = Math.max(0, truncateFrom - content.firstIndex);
  for (let i = 0; i < count; i++) {
    const entry = entries[i];
    if (entry !== undefined) content.entries.push(entry);
  }
}
