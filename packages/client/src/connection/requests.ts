import type { Clock } from "@ottla/host";

const MAX_CORRELATION_ID = 2 ** 31 - 1;
const PATIENCE_MS = 1_000;

export interface RequestOptions {
  /** Counts from the call, opening the stream included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** For error texts, such as `Fetch`. */
  readonly what: string;
  /** An answer that takes longer makes the broker suspect. 1 000 ms. */
  readonly patienceMs?: number;
  /** The request is within the byte window: another may follow. */
  readonly handed?: () => void;
}

export interface Waiting<A> {
  readonly options: RequestOptions;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
  readonly startedMs: number;
  sent: boolean;
  end: () => void;
}

/** Those who wait for an answer on one stream, by correlation id, in the order in which they asked. */
export class Requests<A> {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting<A>>();
  #correlationId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  [Symbol.iterator](): IterableIterator<[number, Waiting<A>]> {
    return this.#waiting.entries();
  }

  /** Waits until it is settled, its time is up or its signal aborts. `timedOut` says what the first of the last two means.
   * @returns the correlation id */
  add(
    options: RequestOptions,
    settle: Pick<Waiting<A>, "resolve" | "reject">,
    timedOut: (id: number, waiting: Waiting<A>) => void,
  ): number {
    const { signal } = options;
    this.#correlationId = this.#correlationId === MAX_CORRELATION_ID ? 1 : this.#correlationId + 1;
    const id = this.#correlationId;
    const waiting: Waiting<A> = { options, ...settle, startedMs: this.#clock.monotonicMs(), sent: false, end: () => {} };
    const timer = this.#clock.after(options.timeoutMs, () => timedOut(id, waiting));
    const onAbort = (): void => this.fail(id, waiting, signal?.reason);
    waiting.end = () => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.set(id, waiting);
    return id;
  }

  get(id: number): Waiting<A> | undefined {
    return this.#waiting.get(id);
  }

  /** Nobody may wait any more: the answer is dropped then. */
  answer(id: number, answer: A): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    waiting.end();
    waiting.resolve(answer);
  }

  fail(id: number, waiting: Waiting<A>, error: unknown): void {
    if (this.#waiting.get(id) !== waiting) return;
    this.#waiting.delete(id);
    waiting.end();
    waiting.reject(error);
  }

  /** How much longer than its patience the oldest has waited for any sign of life; negative while there is hope. Null: nobody waits. */
  overdueMs(nowMs: number, heardMs: number): number | null {
    for (const { startedMs, options } of this.#waiting.values())
      return nowMs - Math.max(startedMs, heardMs) - (options.patienceMs ?? PATIENCE_MS);
    return null;
  }
}
