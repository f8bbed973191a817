import type { Clock, Frame, Session, Timer } from "@ottla/host";
import { ClosedError, ConnectionError, messageOf } from "../errors.ts";

const MAX_CORRELATION_ID = 2 ** 31 - 1;
const PATIENCE_MS = 1_000;

export interface ExchangeOptions<A> {
  /** For error texts, such as `broker 1 (localhost:9093)`. */
  readonly broker: string;
  readonly clock: Clock;
  /** Rejects with ConnectionError. */
  readonly dial: () => Promise<Session>;
  readonly decode: (frame: Uint8Array) => A;
  readonly heard: () => void;
  /** A request waits for its answer. */
  readonly asked: () => void;
  /** The stream ended by itself; `fruitful`: it had carried an answer. */
  readonly broken: (fruitful: boolean) => void;
}

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

interface Waiting<A> {
  readonly options: RequestOptions;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
  readonly startedMs: number;
  sent: boolean;
  end: () => void;
}

/** One stream to one broker: requests out, answers matched to them by correlation id. It opens at first use, and again after it broke. */
export class Exchange<A extends { correlationId: number }> {
  readonly #options: ExchangeOptions<A>;
  readonly #waiting = new Map<number, Waiting<A>>();
  #session: Session | null = null;
  #opening: Promise<void> | null = null;
  #correlationId = 0;
  #heardMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: ExchangeOptions<A>) {
    this.#options = options;
  }

  get open(): boolean {
    return this.#session !== null;
  }

  /** How much longer than its patience the oldest request has waited for any sign of life; negative while there is hope. Null: nobody waits. */
  overdueMs(nowMs: number, heardMs: number): number | null {
    for (const { startedMs, options } of this.#waiting.values())
      return nowMs - Math.max(startedMs, heardMs) - (options.patienceMs ?? PATIENCE_MS);
    return null;
  }

  /** @throws ConnectionError */
  connect(): Promise<void> {
    if (this.#session !== null) return Promise.resolve();
    if (this.#closed) return Promise.reject(new ClosedError(`connect to ${this.#options.broker}`, "this client"));
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** Sends at once if the stream is open, in the order of the calls. `encode` is given the correlation id.
   * @throws ConnectionError, or the reason of the signal */
  request(encode: (correlationId: number) => Frame, options: RequestOptions): Promise<A> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = this.#nextCorrelationId();
    return new Promise((resolve, reject) => {
      const waiting: Waiting<A> = { options, resolve, reject, startedMs: this.#options.clock.monotonicMs(), sent: false, end: () => {} };
      const timer: Timer = this.#options.clock.after(options.timeoutMs, () => this.#timedOut(id, waiting));
      const onAbort = (): void => this.#fail(id, waiting, signal?.reason);
      waiting.end = () => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(id, waiting);
      this.#options.asked();
      if (this.#session !== null) this.#transmit(id, waiting, encode);
      else {
        this.connect().then(
          () => this.#transmit(id, waiting, encode),
          (error: unknown) => this.#fail(id, waiting, error),
        );
      }
    });
  }

  /** Sends a request that has no answer, on an open stream. Resolves once it is within the byte window. */
  async post(frame: Frame): Promise<void> {
    const { broker } = this.#options;
    if (this.#session === null) throw new ConnectionError(broker, false, `The stream to ${broker} is not open`);
    try {
      await this.#session.send(frame);
    } catch (cause) {
      throw new ConnectionError(broker, true, `The stream to ${broker} broke: ${messageOf(cause)}`, { cause });
    }
  }

  close(): void {
    this.#closed = true;
    const session = this.#session;
    this.#session = null;
    session?.close();
    for (const [id, waiting] of this.#waiting) {
      this.#fail(
        id,
        waiting,
        new ConnectionError(
          this.#options.broker,
          waiting.sent,
          `${waiting.options.what}: the client was closed before ${this.#options.broker} answered`,
        ),
      );
    }
  }

  async #connect(): Promise<void> {
    const session = await this.#options.dial();
    if (this.#closed) return session.close();
    this.#session = session;
    void this.#read(session);
  }

  async #read(session: Session): Promise<void> {
    let fruitful = false;
    try {
      for await (const frame of session.frames) {
        fruitful = true;
        this.#heardMs = this.#options.clock.monotonicMs();
        this.#options.heard();
        const answer = this.#options.decode(frame);
        const waiting = this.#waiting.get(answer.correlationId);
        if (waiting === undefined) continue; // given up meanwhile
        this.#waiting.delete(answer.correlationId);
        waiting.end();
        waiting.resolve(answer);
      }
      const reason = await session.closed;
      this.#broken(session, fruitful, reason.message, reason.code);
    } catch (error) {
      session.close({ code: "INVALID_REQUEST", message: messageOf(error) });
      this.#broken(session, fruitful, messageOf(error), undefined);
    }
  }

  #broken(session: Session, fruitful: boolean, why: string, code: string | undefined): void {
    if (this.#session !== session) return;
    this.#session = null;
    const { broker } = this.#options;
    for (const [id, waiting] of this.#waiting) {
      if (!waiting.sent) continue;
      this.#fail(
        id,
        waiting,
        new ConnectionError(broker, true, `${waiting.options.what}: the stream to ${broker} ended before the answer came: ${why}`, {
          reason: code,
        }),
      );
    }
    this.#options.broken(fruitful);
  }

  #transmit(id: number, waiting: Waiting<A>, encode: (correlationId: number) => Frame): void {
    const session = this.#session;
    if (this.#waiting.get(id) !== waiting) return;
    if (session === null) {
      this.#fail(
        id,
        waiting,
        new ConnectionError(this.#options.broker, false, `${waiting.options.what}: the stream to ${this.#options.broker} broke again`),
      );
      return;
    }
    try {
      const frame = encode(id);
      waiting.sent = true;
      // A rejection needs no handling: the end of the session settles everything that waits on it.
      session.send(frame).then(waiting.options.handed, () => {});
    } catch (error) {
      this.#fail(id, waiting, error);
    }
  }

  #timedOut(id: number, waiting: Waiting<A>): void {
    const { broker } = this.#options;
    const { what, timeoutMs } = waiting.options;
    const silent = waiting.sent && this.#heardMs < waiting.startedMs;
    const where = waiting.sent ? "got no answer" : "could not be sent";
    this.#fail(
      id,
      waiting,
      new ConnectionError(broker, waiting.sent, `${what}: ${where} from ${broker} within ${Math.round(timeoutMs)} ms`, {
        error: "REQUEST_TIMED_OUT",
      }),
    );
    // A peer that has said nothing at all since then is stopped or cut off: another stream may reach it, or fail faster.
    if (silent && this.#session !== null) {
      const session = this.#session;
      session.close({ code: "REQUEST_TIMED_OUT", message: `no frame for ${Math.round(timeoutMs)} ms` });
      this.#broken(session, false, `it said nothing for ${Math.round(timeoutMs)} ms`, undefined);
    }
  }

  #fail(id: number, waiting: Waiting<A>, error: unknown): void {
    if (this.#waiting.get(id) !== waiting) return;
    this.#waiting.delete(id);
    waiting.end();
    waiting.reject(error);
  }

  #nextCorrelationId(): number {
    this.#correlationId = this.#correlationId === MAX_CORRELATION_ID ? 1 : this.#correlationId + 1;
    return this.#correlationId;
  }
}
