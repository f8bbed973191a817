import type { Entry, Voter, Voters, VoterSet } from "../../types.ts";
import { chain } from "../hash.ts";
import type { SimulatedVoter } from "../voter.ts";
import { rule } from "./rule.ts";

const TERMS = 0x100000;

/** Committed anywhere. */
export interface Committed {
  readonly term: number;
  /** Of the log up to it. */
  readonly hash: number;
  /** The term of the leader that committed it first. */
  readonly inTerm: number;
  readonly voters: Voters | null;
}

/** Everything that ever was, crashes and lost directories included. */
export class History {
  /** Position 0 is entry 1. */
  readonly committed: Committed[] = [];
  /** (index, term) -> hash of the log up to it, and the directory of the leader that wrote it. */
  readonly #prefixes = new Map<number, { readonly hash: number; readonly by: string }>();
  /** Of the entries that each directory wrote first. */
  readonly #newestTerms = new Map<string, number>();
  /** Hash of each node's log up to each index, as handed to its disk. */
  readonly #hashes = new Map<number, number[]>();

  hashes(nodeId: number): number[] {
    const hashes = this.#hashes.get(nodeId);
    if (hashes === undefined) throw new Error(`no node ${nodeId}`);
    return hashes;
  }

  hashOf(index: number): number {
    return index === 0 ? 0 : (this.committed[index - 1]?.hash ?? Number.NaN);
  }

  /** The hash of the log up to this entry, as whoever wrote it had it. */
  prefix(entry: Entry): number | undefined {
    return this.#prefixes.get(keyOf(entry))?.hash;
  }

  votersAt(index: number): VoterSet | null {
    for (let at = Math.min(index, this.committed.length); at > 0; at--) {
      const voters = this.committed[at - 1]?.voters ?? null;
      if (voters !== null) return { index: at, voters };
    }
    return null;
  }

  written({ nodeId, directoryId }: Voter, entries: readonly Entry[]): void {
    const hashes = this.hashes(nodeId);
    for (const entry of entries) {
      rule(entry.index === hashes.length, "R3 LogMatching", () => `node ${nodeId} writes entry ${entry.index} after ${hashes.length - 1}`);
      const hash = chain(hashes[entry.index - 1] ?? Number.NaN, entry);
      const key = keyOf(entry);
      const known = this.#prefixes.get(key);
      rule(
        known === undefined || known.hash === hash,
        "R3 LogMatching",
        () => `node ${nodeId} has another log up to entry ${entry.index} of term ${entry.term} than somebody before`,
      );
      if (known === undefined) {
        this.#prefixes.set(key, { hash, by: directoryId });
        this.#newestTerms.set(directoryId, entry.term);
      }
      hashes.push(hash);
    }
  }

  begins(voter: SimulatedVoter): void {
    const { nodeId, directoryId } = voter.self;
    const { lastIndex, term } = voter.raft;
    // A leader that is the only voter may lose a term that it has not spoken of (R9 sees to that), and begin it anew.
    if ((this.#newestTerms.get(directoryId) ?? 0) > term)
      for (const [key, { by }] of this.#prefixes) if (by === directoryId && key % TERMS > term) this.#prefixes.delete(key);
    const hashes = [0];
    for (let index = 1; index <= lastIndex; index++) {
      const entry = voter.disk.at(index);
      // Trimmed entries were committed: the history knows them.
      const hash = entry === undefined ? this.committed[index - 1]?.hash : chain(hashes[index - 1] ?? Number.NaN, entry);
      rule(hash !== undefined, "R12 NoHoleNoGhost", () => `node ${nodeId} restarts without entry ${index}, which was not committed`);
      hashes.push(hash);
    }
    this.#hashes.set(nodeId, hashes);
  }
}

function keyOf({ index, term }: Entry): number {
  return index * TERMS + term;
}
