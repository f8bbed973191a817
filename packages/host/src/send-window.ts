import { NetworkError, type Reason } from "./network.ts";

/** Bytes that may be under way before `send` waits for the reader. */
export const WINDOW_BYTES = 1 << 20;

/** One message on its way. */
export interface Sending {
  readonly start: number;
  /** Its parts are still looked at and may not change. */
  held: boolean;
  resolve: () => void;
  reject: (error: NetworkError) => void;
}

/** Bytes in one direction of a session, in order: who sends waits while more than the window is under way. */
export class SendWindow {
  #sentBytes = 0;
  #takenBytes = 0;
  #waiting: Sending[] = [];

  enter(bytes: number, held: boolean): Sending {
    const start = this.#sentBytes;
    this.#sentBytes += bytes;
    return { start, held, resolve: () => {}, reject: () => {} };
  }

  /** Resolves once the message is within the window and its sender may have its parts back. */
  passed(sending: Sending): Promise<void> {
    if (this.#isThrough(sending)) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push(Object.assign(sending, { resolve, reject })));
  }

  release(sending: Sending): void {
    sending.held = false;
    this.#settle();
  }

  /** They are no longer under way. */
  taken(bytes: number): void {
    this.#takenBytes += bytes;
    this.#settle();
  }

  /** Nobody needs to wait any more: the session ends in order. */
  finish(): void {
    for (const sending of this.#waiting) sending.resolve();
    this.#waiting = [];
  }

  fail(reason: Reason): void {
    for (const sending of this.#waiting) sending.reject(new NetworkError(reason));
    this.#waiting = [];
  }

  #isThrough({ held, start }: Sending): boolean {
    return !held && start - this.#takenBytes < WINDOW_BYTES;
  }

  #settle(): void {
    for (let first = this.#waiting[0]; first !== undefined && this.#isThrough(first); first = this.#waiting[0]) {
      this.#waiting.shift();
      first.resolve();
    }
  }
}
