import type { Envelope } from "../raft/index.ts";

/** Messages that promise what must be on disk first: a vote, an acknowledgement. */
export class Promises {
  readonly #send: (envelopes: readonly Envelope[]) => void;
  /** Rising in `after`, the id of the persist they wait for. */
  #waiting: { readonly after: number; readonly envelopes: readonly Envelope[] }[] = [];

  constructor(send: (envelopes: readonly Envelope[]) => void) {
    this.#send = send;
  }

  hold(after: number, envelopes: readonly Envelope[]): void {
    if (envelopes.length > 0) this.#waiting.push({ after, envelopes });
  }

  persisted(id: number): void {
    for (let head = this.#waiting[0]; head !== undefined && head.after <= id; head = this.#waiting[0]) {
      this.#waiting.shift();
      this.#send(head.envelopes);
    }
  }

  drop(): void {
    this.#waiting = [];
  }
}
