import type { Message, Voter } from "../types.ts";
import type { SeededRandom } from "./random.ts";

export interface Letter {
  readonly from: Voter;
  readonly to: Voter;
  readonly message: Message;
}

const MAX_LETTERS = 200;

/** Messages under way. It loses, repeats and reorders them; links are cut in one direction or both. */
export class SimulatedNetwork {
  #letters: Letter[] = [];
  /** `from * 100 + to`. */
  readonly #cut = new Set<number>();
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  post(letter: Letter): void {
    this.#letters.push(letter);
    if (this.#letters.length > MAX_LETTERS) this.#letters.splice(this.#random.below(this.#letters.length), 1);
  }

  /** Mostly the oldest, as sessions keep order; sometimes any. Null when it got lost, or when there is none. */
  take(): Letter | null {
    if (this.#letters.length === 0) return null;
    const at = this.#random.oneIn(4) ? this.#random.below(this.#letters.length) : 0;
    const letter = this.#letters[at];
    if (letter === undefined) return null;
    if (!this.#random.oneIn(30)) this.#letters.splice(at, 1);
    return this.passes(letter.from.nodeId, letter.to.nodeId) && !this.#random.oneIn(20) ? letter : null;
  }

  takeAll(): Letter[] {
    const letters = this.#letters;
    this.#letters = [];
    return letters;
  }

  passes(from: number, to: number): boolean {
    return this.#cut.size === 0 || !this.#cut.has(from * 100 + to);
  }

  cut(from: number, to: number): void {
    this.#cut.add(from * 100 + to);
  }

  heal(): void {
    this.#cut.clear();
  }
}
