import type { Timer } from "@ottla/host";
import type { ProtocolError } from "@ottla/protocol";

/** Who waits for an appended batch. Settled once: with null when it is acknowledged, with an error when its outcome is unknown. */
export interface Waiter {
  settle(error: ProtocolError | null): void;
  /** Bounds the wait; cancelled when it is over. */
  timer: Timer | null;
}

interface Appended {
  readonly endOffset: number;
  readonly bytes: number;
  waiter: Waiter | null;
}

/** The batches between the high watermark and the log's end, in offset order, with those who wait for them. */
export class CommitQueue {
  #entries: Appended[] = [];
  #head = 0;
  /** Resends of batches that are in the queue: few, and in no order. */
  #resends: { readonly endOffset: number; readonly waiter: Waiter }[] = [];

  push(endOffset: number, bytes: number, waiter: Waiter | null): void {
    this.#entries.push({ endOffset, bytes, waiter });
  }

  pushResend(endOffset: number, waiter: Waiter): void {
    this.#resends.push({ endOffset, waiter });
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
