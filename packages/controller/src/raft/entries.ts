import { assert } from "./assert.ts";
import type { Entry, LogPosition, Restored } from "./types.ts";
import { VoterSets } from "./voter-sets.ts";

/** What an entry counts for in every bound on bytes: its data and about what it costs beside them. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + 32;
}

/** What this voter knows of its log: where terms begin, who the voters are, and the newest entries in memory. The entries themselves are the caller's. */
export class Entries {
  readonly voterSets: VoterSets;
  /** The entry before `firstIndex`; null when its term is unknown. */
  #base: LogPosition | null;
  #firstIndex: number;
  #lastIndex: number;
  /** Entries up to it are on disk. Falls only by truncation. */
  #durableIndex: number;
  /** Start of each run of equal terms; strictly rising in index and in term; covers firstIndex..lastIndex. */
  #runs: LogPosition[];
  /** The entries #tailFrom..lastIndex: at least all that are not durable. */
  #tail: Entry[] = [];
  #tailBytes = 0;
  readonly #maxTailBytes: number;

  constructor(restored: Restored, maxTailBytes: number) {
    this.voterSets = new VoterSets(restored.voterSets);
    this.#base = restored.base;
    this.#firstIndex = restored.firstIndex;
    this.#lastIndex = restored.lastIndex;
    this.#durableIndex = restored.lastIndex;
    this.#runs = [...restored.terms];
    this.#maxTailBytes = maxTailBytes;
    const { base, firstIndex, lastIndex, terms } = restored;
    const empty = lastIndex === firstIndex - 1;
    assert(!empty || lastIndex === 0 || base !== null, () => `an empty log ends at ${lastIndex}: the term of its last entry is unknown`);
    assert(base === null || base.index === firstIndex - 1, () => `a log from ${firstIndex} on is said to follow ${base?.index}`);
    assert(
      terms[0]?.index === (empty ? undefined : firstIndex),
      () => `log ${firstIndex}..${lastIndex} with terms from ${terms[0]?.index}`,
    );
  }

  get firstIndex(): number {
    return this.#firstIndex;
  }
  /** The lowest index whose entry can be sent: what precedes it is known. */
  get lowestNext(): number {
    return this.#firstIndex === 1 || this.#base !== null ? this.#firstIndex : this.#firstIndex + 1;
  }
  get lastIndex(): number {
    return this.#lastIndex;
  }
  get durableIndex(): number {
    return this.#durableIndex;
  }
  get last(): LogPosition {
    return { index: this.#lastIndex, term: this.#runs.at(-1)?.term ?? this.#base?.term ?? 0 };
  }
  /** Entries from it on are in memory. */
  get tailFrom(): number {
    return this.#lastIndex - this.#tail.length + 1;
  }

  /** Null where the log does not reach, or no longer reaches. Index 0 has term 0. */
  termAt(index: number): number | null {
    if (index === 0) return 0;
    if (index === this.#base?.index) return this.#base.term;
    if (index < this.#firstIndex || index > this.#lastIndex) return null;
    return this.#run(index).term;
  }

  /** The highest index at most `index` whose term is at most `term`; the one before firstIndex if there is none. */
  lastWithTermAtMost(term: number, index: number): number {
    let end = Math.min(index, this.#lastIndex);
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i];
      if (run === undefined || run.index > end) continue;
      if (run.term <= term) return end;
      end = run.index - 1;
    }
    return Math.min(end, this.#firstIndex - 1);
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const last = this.last;
      assert(entry.index === last.index + 1, () => `entry ${entry.index} appended after ${last.index}`);
      assert(entry.term >= last.term, () => `entry ${entry.index} of term ${entry.term} appended after term ${last.term}`);
      if (entry.term > last.term || this.#runs.length === 0) this.#runs.push({ index: entry.index, term: entry.term });
      this.#tail.push(entry);
      this.#tailBytes += entryBytes(entry);
      this.#lastIndex = entry.index;
      this.voterSets.append(entry);
    }
  }

  truncateFrom(index: number): void {
    assert(
      index >= this.#firstIndex && index <= this.#lastIndex,
      () => `truncation at ${index} of ${this.#firstIndex}..${this.#lastIndex}`,
    );
    const kept = Math.max(0, index - this.tailFrom);
    for (const entry of this.#tail.splice(kept)) this.#tailBytes -= entryBytes(entry);
    this.#lastIndex = index - 1;
    this.#durableIndex = Math.min(this.#durableIndex, this.#lastIndex);
    this.voterSets.truncateFrom(index);
    for (let run = this.#runs.at(-1); run !== undefined && run.index >= index; run = this.#runs.at(-1)) this.#runs.pop();
  }

  persisted(index: number): void {
    assert(index <= this.#lastIndex, () => `entry ${index} persisted beyond the end ${this.#lastIndex}`);
    this.#durableIndex = Math.max(this.#durableIndex, index);
    this.#shrink();
  }

  /** Whole entries from `from` to `until` (excluded), as many as fit, at least one; null when they are not in memory. */
  slice(from: number, until: number, maxBytes: number): readonly Entry[] | null {
    const start = from - this.tailFrom;
    if (start < 0) return null;
    let bytes = 0;
    let end = start;
    for (; end < until - this.tailFrom; end++) {
      const entry = this.#tail[end];
      assert(entry !== undefined, () => `no entry ${this.tailFrom + end} in a tail of ${this.#tail.length}`);
      if (end > start && bytes + entryBytes(entry) > maxBytes) break;
      bytes += entryBytes(entry);
    }
    return this.#tail.slice(start, end);
  }

  /** The caller dropped what lies before `index`. */
  trimmed(index: number): void {
    if (index <= this.#firstIndex) return;
    assert(index <= this.#durableIndex, () => `trimmed before ${index}, durable to ${this.#durableIndex}`);
    const run = this.#run(index);
    this.#base = { index: index - 1, term: this.#run(index - 1).term };
    this.#runs.splice(0, this.#runs.indexOf(run) + 1, { index, term: run.term });
    this.#firstIndex = index;
    this.voterSets.forgetBefore(index);
    this.#drop(index - this.tailFrom);
  }

  #run(index: number): LogPosition {
    const run = this.#runs.findLast((candidate) => candidate.index <= index);
    assert(run !== undefined, () => `no term known at ${index} of ${this.#firstIndex}..${this.#lastIndex}`);
    return run;
  }

  #shrink(): void {
    let count = 0;
    let bytes = this.#tailBytes;
    for (const entry of this.#tail) {
      if (bytes <= this.#maxTailBytes || entry.index > this.#durableIndex) break;
      bytes -= entryBytes(entry);
      count++;
    }
    // Moving the tail costs its length: worth it only when a good part of it goes.
    if (count * 4 >= this.#tail.length) this.#drop(count);
  }

  #drop(count: number): void {
    if (count <= 0) return;
    for (const entry of this.#tail.splice(0, count)) this.#tailBytes -= entryBytes(entry);
  }
}
