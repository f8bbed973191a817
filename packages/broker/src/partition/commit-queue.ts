import type { Timer } from "@ottla/host";
import type { ProtocolError } from "@ottla/protocol";

/** Who waits for an appended batch. Settled once: with null when it is acknowledged, with an error when its outcome is unknown. */
export interface Waiter {
  settle(error: ProtocolError | null): void;
  /** Bounds the wait; cancelled when it is over. */
  timer: Timer | null;
}

/** Up to so many batches each has an entry of its own; beyond, those that nobody waits for share one while it has no more bytes than this:
 * with acks=1 a log may grow for hours above a high watermark that cannot move. */
const SINGLE = 4096;
const SHARED_BYTES = 1 << 20;

interface Appended {
  endOffset: number;
  bytes: number;
  waiter: Waiter | null;
}

/** The batches between the high watermark and the log's end, in offset order, with those who wait for them. */
export class CommitQueue {
  #entries: Appended[] = [];
  #head = 0;
  /** Resends of batches that are in the queue: few, and in no order. */
  #resends: { readonly endOffset: number; readonly waiter: Waiter }[] = [];

  push(endOffset: number, bytes: number, waiter: Waiter | null): void {
    const last = this.#entries.at(-1);
    if (waiter === null && last?.waiter === null && this.length >= SINGLE && last.bytes < SHARED_BYTES) {
      last.endOffset = endOffset;
      last.bytes += bytes;
      return;
    }
    this.#entries.push({ endOffset, bytes, waiter });
  }

  pushResend(endOffset: number, waiter: Waiter): void {
    this.#resends.push({ endOffset, waiter });
  }

  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** Takes out all that lies below `offset` and settles who waits for it.
   * @returns the bytes taken out */
  settleBelow(offset: number, error: ProtocolError | null): number {
    let bytes = 0;
    let head = this.#head;
    for (; head < this.#entries.length; head++) {
      const entry = this.#entries[head];
      if (entry === undefined || entry.endOffset > offset) break;
      bytes += entry.bytes;
      if (entry.waiter !== null) end(entry.waiter, error);
      entry.waiter = null;
    }
    this.#head = head;
    if (head === this.#entries.length) {
      this.#entries = [];
      this.#head = 0;
    } else if (head > 1024 && head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(head);
      this.#head = 0;
    }
    if (this.#resends.length > 0) this.#settleResends(offset, error);
    return bytes;
  }

  /** Settles who waits for a batch that has any of these offsets. */
  settleWithin(from: number, until: number, error: ProtocolError): void {
    const within = ({ endOffset }: { readonly endOffset: number }): boolean => endOffset > from && endOffset <= until;
    for (let at = this.#head; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry === undefined || entry.waiter === null || !within(entry)) continue;
      end(entry.waiter, error);
      entry.waiter = null;
    }
    const gone = this.#resends.filter(within);
    this.#resends = this.#resends.filter((resend) => !within(resend));
    for (const resend of gone) end(resend.waiter, error);
  }

  /** The log's end will not be reached: settles everybody. */
  fail(error: ProtocolError): void {
    this.settleBelow(Infinity, error);
  }

  #settleResends(offset: number, error: ProtocolError | null): void {
    const due = this.#resends.filter((resend) => resend.endOffset <= offset);
    if (due.length === 0) return;
    this.#resends = this.#resends.filter((resend) => resend.endOffset > offset);
    for (const resend of due) end(resend.waiter, error);
  }
}

function end(waiter: Waiter, error: ProtocolError | null): void {
  waiter.timer?.cancel();
  waiter.settle(error);
}
