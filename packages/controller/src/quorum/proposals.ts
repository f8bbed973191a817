import { ProtocolError } from "@ottla/protocol";
import type { Proposal } from "../raft/index.ts";

/** Proposed and not yet committed. Whoever proposes has its own, lower bounds; this one keeps a mistake from filling memory. */
const MAX_UNCOMMITTED_BYTES = 64 << 20;

/** What a leader was asked to append: gathered for the length of one turn, counted until it is committed. */
export class Proposals {
  readonly #append: (proposals: readonly Proposal[], term: number) => void;
  #gathered: Proposal[] = [];
  #gatheredTerm = 0;
  /** Rising in index. */
  #uncommitted: { readonly index: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(append: (proposals: readonly Proposal[], term: number) => void) {
    this.#append = append;
  }

  get uncommittedBytes(): number {
    return this.#bytes;
  }

  /** Returns the index it gets.
   * @throws ProtocolError THROTTLING_QUOTA_EXCEEDED */
  add(proposal: Proposal, term: number, lastIndex: number): number {
    const { data } = proposal;
    if (this.#bytes + data.length > MAX_UNCOMMITTED_BYTES)
      throw new ProtocolError(
        "THROTTLING_QUOTA_EXCEEDED",
        `Cannot append ${data.length} bytes to the controller's log: ${this.#bytes} bytes are waiting to be committed, at most ${MAX_UNCOMMITTED_BYTES} may; retry later`,
      );
    if (this.#gathered.length === 0) queueMicrotask(() => this.flush());
    this.#gatheredTerm = term;
    this.#gathered.push(proposal);
    const index = lastIndex + this.#gathered.length;
    this.#uncommitted.push({ index, bytes: data.length });
    this.#bytes += data.length;
    return index;
  }

  /** Appends what was gathered so far. */
  flush(): void {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#append(gathered, this.#gatheredTerm);
  }

  committed(upTo: number): void {
    let count = 0;
    for (const { index, bytes } of this.#uncommitted) {
      if (index > upTo) break;
      this.#bytes -= bytes;
      count++;
    }
    this.#uncommitted.splice(0, count);
  }

  /** Leadership is gone. */
  lost(): void {
    this.#uncommitted = [];
    this.#bytes = 0;
  }
}
