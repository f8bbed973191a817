import type { Clock, Frame, Session } from "@ottla/host";
import { ClosedError, ConnectionError, messageOf } from "../errors.ts";
import { type RequestOptions, Requests, type Waiting } from "./requests.ts";

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
  /** The stream ended by itself; `fruitful`: it had carried an answer; `owing`: not all of them. */
  readonly broken: (fruitful: boolean, owing: boolean) => void;
}

/** One stream to one broker: requests out, answers matched to them by correlation id. It opens at first use, and again after it broke. */
export class Exchange<A extends { correlationId: number }> {
  readonly #options: ExchangeOptions<A>;
  readonly #requests: Requests<A>;
  #session: Session | null = null;
  #opening: Promise<void> | null = null;
  #heardMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: ExchangeOptions<A>) {
    this.#options = options;
    this.#requests = new Requests(options.clock);
  }

  get open(): boolean {
    return this.#session !== null;
  }

  /** Of the oldest request: see {@link Requests.overdueMs}. */
  overdueMs(nowMs: number, heardMs: number): number | null {
    return this.#requests.overdueMs(nowMs, heardMs);
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
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    return new Promise((resolve, reject) => {
      const id = this.#requests.add(options, { resolve, reject }, (late, waiting) => this.#timedOut(late, waiting));
      this.#options.asked();
      if (this.#session !== null) this.#transmit(id, encode);
      else {
        this.connect().then(
          () => this.#transmit(id, encode),
          (error: unknown) => this.#fail(id, error),
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
    for (const [id, waiting] of this.#requests) {
      this.#requests.fail(
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
        this.#requests.answer(answer.correlationId, answer);
      }
      const reason = await session.closed;
      this.#broken(session, fruitful, reason.message, reason.code);
    } catch (error) {
      session.close({ code: "INVALID_REQUEST", message: messageOf(error) });
      this.#broken(session, fruitful, messageOf(error), undefined);
    }
  }

  #broken(session: Session, fruitful: boolean, why: string, code: string | undefined, owing = false): void {
    if (this.#session !== session) return;
    this.#session = null;
    const { broker } = this.#options;
    let owed = owing;
    for (const [id, waiting] of this.#requests) {
      if (!waiting.sent) continue;
      owed = true;
      this.#requests.fail(
        id,
        waiting,
        new ConnectionError(broker, true, `${waiting.options.what}: the stream to ${broker} ended before the answer came: ${why}`, {
          reason: code,
        }),
      );
    }
    this.#options.broken(fruitful, owed);
  }

  #transmit(id: number, encode: (correlationId: number) => Frame): void {
    const session = this.#session;
    const { broker } = this.#options;
    const waiting = this.#requests.get(id);
    if (waiting === undefined) return;
    const { what, handed } = waiting.options;
    if (session === null) return this.#fail(id, new ConnectionError(broker, false, `${what}: the stream to ${broker} broke again`));
    try {
      const frame = encode(id);
      waiting.sent = true;
      // A rejection needs no handling: the end of the session settles everything that waits on it.
      session.send(frame).then(handed, () => {});
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #timedOut(id: number, waiting: Waiting<A>): void {
    const { broker } = this.#options;
    const { what, timeoutMs } = waiting.options;
    const silent = waiting.sent && this.#heardMs <= waiting.startedMs;
    const where = waiting.sent ? "got no answer" : "could not be sent";
    this.#requests.fail(
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
      this.#broken(session, false, `it said nothing for ${Math.round(timeoutMs)} ms`, undefined, true);
    }
  }

  #fail(id: number, error: unknown): void {
    const waiting = this.#requests.get(id);
    if (waiting !== undefined) this.#requests.fail(id, waiting, error);
  }
}
