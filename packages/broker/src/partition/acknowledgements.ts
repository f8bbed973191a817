import { ProtocolError } from "@ottla/protocol";
import type { Timeouts } from "../timeouts.ts";
import { CommitQueue, type Waiter } from "./commit-queue.ts";

const ACKNOWLEDGED: Promise<ProtocolError | null> = Promise.resolve(null);

/** Producers of one partition that wait for what they appended: with acks=-1 for the high watermark, else for this replica alone.
 * With acks=0 nobody is answered, but memory is held until then. */
export class Acknowledgements {
  readonly #timeouts: Timeouts;
  readonly #name: () => string;
  /** Why nothing can be acknowledged by the replicas in sync at present, if so. */
  readonly #tooFew: () => ProtocolError | null;
  /** Every batch above the high watermark, waited for or not: readers are told how many bytes it passes. */
  readonly #committing = new CommitQueue();
  readonly #holding = new CommitQueue();

  constructor(timeouts: Timeouts, name: () => string, tooFew: () => ProtocolError | null) {
    this.#timeouts = timeouts;
    this.#name = name;
    this.#tooFew = tooFew;
  }

  /** For a batch that was just appended. */
  appended(endOffset: number, bytes: number, acks: number, timeoutMs: number): Promise<ProtocolError | null> {
    if (acks !== -1) this.#committing.push(endOffset, bytes, null);
    return new Promise((resolve) => {
      const queue = acks === -1 ? this.#committing : this.#holding;
      queue.push(endOffset, bytes, this.#waiter(resolve, endOffset, acks, timeoutMs));
    });
  }

  /** For a batch that came again: its producer waits like the first time.
   * @param reached how far acknowledgements of this kind have come */
  resent(endOffset: number, acks: number, timeoutMs: number, reached: number): Promise<ProtocolError | null> {
    if (endOffset <= reached) return ACKNOWLEDGED;
    return new Promise((resolve) => {
      const queue = acks === -1 ? this.#committing : this.#holding;
      queue.pushResend(endOffset, this.#waiter(resolve, endOffset, acks, timeoutMs));
    });
  }

  /** This replica holds all below `offset` as safely as the flush policy asks. */
  held(offset: number): void {
    this.#holding.settleBelow(offset, null);
  }

  /** The high watermark has come to `offset`.
   * @returns the bytes it passed */
  committed(offset: number): number {
    return this.#committing.settleBelow(offset, null);
  }

  /** What is at these offsets is lost, wherever the high watermark comes to. */
  lost(from: number, until: number, error: ProtocolError): void {
    for (const queue of [this.#holding, this.#committing]) queue.settleWithin(from, until, error);
  }

  /** Nobody who waits will get what it waits for. */
  fail(error: ProtocolError): void {
    this.#holding.fail(error);
    this.#committing.fail(error);
  }

  /** P15: when the wait is over, too few in sync is what it was for. */
  #waiter(resolve: (error: ProtocolError | null) => void, endOffset: number, acks: number, timeoutMs: number): Waiter {
    const expire = (): void =>
      resolve(
        (acks === -1 ? this.#tooFew() : null) ??
          new ProtocolError(
            "REQUEST_TIMED_OUT",
            `The batch at offset ${endOffset - 1} of ${this.#name()} was appended, but not acknowledged within ${timeoutMs} ms: whether it survives is not known`,
          ),
      );
    return { settle: resolve, timer: this.#timeouts.after(timeoutMs, expire) };
  }
}
