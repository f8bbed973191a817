import type { pb } from "@ottla/protocol";

/** What happened of late, for people. */
export class Events {
  readonly #byNumber = new Map<number, pb.EventRecord>();
  #last = 0;

  /** Number of the newest, 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Oldest first. */
  *after(number: number): Iterable<pb.EventRecord> {
    const oldest = this.#last - this.#byNumber.size;
    for (let at = Math.max(number, oldest) + 1; at <= this.#last; at++) {
      const event = this.#byNumber.get(at);
      if (event) yield event;
    }
  }

  change(before: pb.EventRecord | null, after: pb.EventRecord | null): void {
    if (before) this.#byNumber.delete(before.number);
    if (after) this.#byNumber.set(after.number, after);
    // Undone is the newest, and what stood in its place comes back.
    if (after && after.number > this.#last) this.#last = after.number;
    else if (before && before.number === this.#last) this.#last--;
  }
}
