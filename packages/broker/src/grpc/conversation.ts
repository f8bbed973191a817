import type { Clock, Frame, Logger, Session, Timer } from "@ottla/host";
import { ProtocolError } from "@ottla/protocol";
import { ByteBudget } from "../byte-budget.ts";
import type { RequestContext } from "../operations/context.ts";
import type { Timeouts } from "../timeouts.ts";
import { dialledAddress } from "./acceptance.ts";
import { StallWatch } from "../stall-watch.ts";

/** Bytes of one client's requests that are being worked on; above it no more is read from it. */
const SESSION_BYTES_MAX = 64 * 1024 * 1024;
/** A client's answers that are read and not yet taken hold at most this part of the memory for all of them, or one answer. */
const ANSWERS_SHARE = 8;

export interface ConversationOptions {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
  /** Requests of all clients that are being worked on. */
  readonly requestBytes: ByteBudget;
  /** Answers of all clients that are read and not yet taken. */
  readonly answerBytes: ByteBudget;
  readonly requestsMax: number;
  readonly maxIdleMs: number;
  /** Decodes and carries out one request; what must be in the order of arrival happens before its first await. Resolves when the answer is sent.
   * @throws ProtocolError for a frame that is no request: it ends the session */
  handle(frame: Uint8Array, conversation: Conversation): Promise<void>;
}

/** One session of a client: reads requests as long as there is room for them, answers each when it is done. */
export class Conversation {
  readonly context: RequestContext;
  readonly #session: Session;
  readonly #options: ConversationOptions;
  readonly #gone = new AbortController();
  readonly #stall: StallWatch;
  /** Of requests that may wait long: a signal each, because a signal with many listeners is taken for a leak. */
  readonly #waiting = new Set<AbortController>();
  #inFlight = 0;
  #inFlightBytes = 0;
  #lastActiveMs: number;
  #idleTimer: Timer | null = null;
  #draining = false;
  /** Wakes the reader that waits for room, and whoever waits for the end of the last request. */
  #onRoom: (() => void) | null = null;
  #onDrained: (() => void) | null = null;

  constructor(session: Session, options: ConversationOptions) {
    this.#session = session;
    this.#options = options;
    this.#lastActiveMs = options.clock.monotonicMs();
    const { clock, timeouts, answerBytes } = options;
    this.#stall = new StallWatch({
      clock,
      timeouts,
      contended: () => answerBytes.contended,
      stalled: (untakenMs, unsent) => this.#stalled(untakenMs, unsent),
    });
    this.context = {
      principal: null,
      clientId: session.attributes["ottla-client-id"] ?? "",
      listener: "GRPC",
      peer: session.peer,
      dialled: dialledAddress(session.attributes),
      deadlineMs: Infinity,
      signal: this.#gone.signal,
      draining: null,
      answerBytes: new ByteBudget(Math.max(1, Math.floor(options.answerBytes.limit / ANSWERS_SHARE))),
    };
  }

  /** Resolves when the session is over and every request of it has ended. */
  async run(): Promise<void> {
    const { logger } = this.#options;
    void this.#session.closed.then((reason) => {
      const gone = new Error(reason.message);
      this.#gone.abort(gone);
      for (const request of this.#waiting) request.abort(gone);
    });
    this.#watchIdle();
    try {
      for await (const frame of this.#session.frames) {
        if (this.#draining) break;
        this.#lastActiveMs = this.#options.clock.monotonicMs();
        const taken = await this.#room(frame.length);
        if (this.#gone.signal.aborted || this.#draining) {
          this.#options.requestBytes.give(taken);
          break;
        }
        this.#start(frame, taken);
      }
    } catch (error) {
      if (!this.#gone.signal.aborted) logger.error({ err: error, peer: this.#session.peer }, "Reading from a client failed");
    }
    if (!this.#draining) await this.#session.closed;
    await this.#drained();
    this.#idleTimer?.cancel();
    this.#stall.close();
  }

  /** Carries out a request that may wait long, with a signal of its own. */
  async waiting<T>(work: (context: RequestContext) => Promise<T>): Promise<T> {
    this.#gone.signal.throwIfAborted();
    const request = new AbortController();
    this.#waiting.add(request);
    try {
      return await work({ ...this.context, signal: request.signal });
    } finally {
      this.#waiting.delete(request);
    }
  }

  /** Waits until the answer is within the session's window. An answer to a client that has gone is dropped. */
  async send(frame: Frame): Promise<void> {
    if (this.#gone.signal.aborted) return;
    this.#stall.ready();
    try {
      await this.#session.send(frame);
    } catch {
      // The session has ended, and with it everybody who could want the answer.
    } finally {
      this.#stall.taken();
      this.#lastActiveMs = this.#options.clock.monotonicMs();
    }
  }

  /** Ends the session in a way that tells the client why. */
  reject(error: ProtocolError): void {
    this.#session.close({ code: error.error, message: error.message });
  }

  /** Takes nothing more, answers what it has taken, then closes the session. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#onRoom?.();
    await this.#drained();
    this.#session.close();
  }

  close(): void {
    this.#draining = true;
    this.#session.close();
  }

  #start(frame: Uint8Array, taken: number): void {
    this.#inFlight++;
    this.#inFlightBytes += taken;
    this.#options
      .handle(frame, this)
      .catch((error: unknown) => {
        if (this.#gone.signal.aborted) return;
        if (error instanceof ProtocolError) return this.reject(error);
        this.#options.logger.error({ err: error, peer: this.#session.peer }, "A request failed unexpectedly");
        this.#session.close({ code: "INTERNAL", message: "The request failed unexpectedly; the broker's log says more" });
      })
      .finally(() => {
        this.#inFlight--;
        this.#inFlightBytes -= taken;
        this.#options.requestBytes.give(taken);
        this.#onRoom?.();
        if (this.#inFlight === 0) this.#onDrained?.();
      });
  }

  /** Waits until this client and the broker have room for so many more bytes of requests.
   * @returns what was taken from the broker's budget */
  async #room(bytes: number): Promise<number> {
    while (
      !this.#draining &&
      this.#inFlight > 0 &&
      (this.#inFlight >= this.#options.requestsMax || this.#inFlightBytes + bytes > SESSION_BYTES_MAX)
    ) {
      await new Promise<void>((resolve) => (this.#onRoom = resolve));
    }
    return this.#options.requestBytes.tryTake(bytes) ?? this.#options.requestBytes.take(bytes, this.#gone.signal);
  }

  #drained(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#onDrained;
      this.#onDrained = () => (before?.(), resolve());
    });
  }

  #stalled(untakenMs: number, unsent: number): void {
    const { peer } = this.#session;
    this.#options.logger.warn({ peer, clientId: this.context.clientId, unsent, untakenMs }, "A client takes no answers and is cut off");
    this.#session.close({ code: "REQUEST_TIMED_OUT", message: `The client took no answer for ${Math.round(untakenMs)} ms` });
  }

  #watchIdle(): void {
    const { clock, timeouts, maxIdleMs } = this.#options;
    const idleMs = clock.monotonicMs() - this.#lastActiveMs;
    const busy = this.#inFlight > 0;
    if (!busy && idleMs >= maxIdleMs) {
      this.#session.close({ code: "IDLE", message: `Nothing was said for ${maxIdleMs} ms (connections.max.idle.ms)` });
      return;
    }
    this.#idleTimer = timeouts.after(busy ? maxIdleMs : maxIdleMs - idleMs, () => this.#watchIdle());
  }
}
