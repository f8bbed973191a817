import { assert, type pb } from "@ottla/protocol";
import type { Fact, FactKey } from "./fact.ts";
import type { Change, State } from "./state.ts";

/** An entry that the leader has appended and replayed, and that is not committed yet. */
export interface Appended {
  readonly index: number;
  readonly bytes: number;
  readonly digestBefore: Uint8Array;
  readonly records: readonly pb.MetadataRecord[];
  readonly changes: readonly Change[];
}

/** The leader's entries between what is committed and what the state shows. */
export class InFlight {
  readonly #state: State;
  readonly #entries: Appended[] = [];
  #bytes = 0;

  constructor(state: State) {
    this.#state = state;
  }

  get count(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(entry: Appended): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  /** The entry at `index`, if it was appended here; from now on it is committed. */
  commit(index: number): Appended | null {
    const first = this.#entries[0];
    if (!first) return null;
    assert(first.index >= index, `entry ${index} is committed after entry ${first.index} was appended`);
    if (first.index > index) return null;
    this.#entries.shift();
    this.#bytes -= first.bytes;
    return first;
  }

  /** Leadership is gone: the state returns to what is committed. */
  undo(): void {
    for (let entry = this.#entries.pop(); entry; entry = this.#entries.pop()) this.#state.undo(entry.changes);
    this.#bytes = 0;
  }

  committedDigest(): Uint8Array {
    return this.#entries[0]?.digestBefore ?? this.#state.digest;
  }

  /** Committed, null where there is nothing. */
  committedValues(keys: Iterable<FactKey>): [FactKey, Fact | null][] {
    const different = this.committedWhereDifferent();
    return Array.from(keys, (key) => {
      const committed = different.get(key);
      return [key, committed === undefined ? (this.#state.get(key) ?? null) : committed];
    });
  }

  /** Keys whose committed value differs from what the state shows, with that value. */
  committedWhereDifferent(): Map<FactKey, Fact | null> {
    const values = new Map<FactKey, Fact | null>();
    for (const { changes } of this.#entries) {
      for (const { key, before } of changes) if (!values.has(key)) values.set(key, before);
    }
    return values;
  }

  /** Every committed fact, each after those it refers to. */
  committedFacts(): [FactKey, Fact][] {
    const different = this.committedWhereDifferent();
    // Without removals undone, facts stand in the order in which they were first set.
    if (different.size === 0) return [...this.#state.facts()];
    const facts = new Map(this.#state.facts());
    for (const [key, fact] of different) {
      if (fact) facts.set(key, fact);
      else facts.delete(key);
    }
    return [...facts].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
