import { type Clock, type Frame, type FramedConnection, LARGE_FRAME_BYTES, type Logger } from "@ottla/host";
import { kafka } from "@ottla/protocol";
import { ByteBudget } from "../byte-budget.ts";
import { AnswerRoom } from "../operations/answer-room.ts";
import type { RequestContext } from "../operations/context.ts";
import { StallWatch } from "../stall-watch.ts";
import type { Timeouts } from "../timeouts.ts";
import { type Api, CloseConnection, type KafkaParts, type RequestHead } from "./api.ts";
import { versionsForStrangers } from "./apis/api-versions.ts";
import { Arrival } from "./arrival.ts";
import type { Turns } from "./turns.ts";

/** Requests of one connection that are being worked on or whose answers are not taken; above it no more is read from it. As many as Kafka's own
 * producer has under way. */
export const IN_FLIGHT_MAX = 5;
/** Larger ones count as memory of answers, whatever they hold. */
const LARGE_ANSWER_BYTES = 65_536;
/** Requests that wait for more are answered after so long when others need the memory of what came after them. */
const HINDERING_MAX_MS = 5_000;
/** What a part of a request is taken to have at least, where its bytes are not records. */
const ITEM_BYTES = 20;
/** A client's answers that are read and not yet taken hold at most this part of the memory for all of them, or one answer. */
const ANSWERS_SHARE = 8;

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
  readonly door: KafkaParts;
  readonly turns: Turns;
  /** Of messages that are arriving; a large one brings its share with it. */
  readonly arrivingBytes: ByteBudget;
  /** Requests of all clients that are being worked on. */
  readonly requestBytes: ByteBudget;
  /** Answers of all clients that are read and not yet taken. */
  readonly answerBytes: ByteBudget;
  readonly maxIdleMs: number;
  /** A connection is closed because of what its client sent, or what became of it. */
  closing(peer: string, clientId: string, request: string, error: unknown): void;
}

interface Pending {
  /** Of its API; empty until that is known. */
  name: string;
  readonly startedMs: number;
  /** What it holds of the memory for requests. */
  bytes: number;
  /** How many parts it has, about. */
  items: number;
  /** How much of its answer its handler has set aside memory for. */
  answerBytes: number;
  /** Undefined until it is ready. */
  answer: Frame | null | undefined;
  whenSent: (() => void)[] | null;
  /** Told when all before it are answered. */
  onTurn: (() => void) | null;
}

/** One connection of a Kafka client: takes requests in their order, answers them in their order, whichever is ready first. */
export class Connection {
  readonly #connection: FramedConnection;
  readonly #options: ConnectionOptions;
  readonly #gone = new AbortController();
  /** Of the requests that are being worked on. */
  #drain = new AbortController();
  readonly #stall: StallWatch;
  readonly #arrival: Arrival;
  /** Not answered yet, in the order of arrival. */
  readonly #pending: Pending[] = [];
  #context: RequestContext;
  /** Also those whose answers are on their way. */
  #inFlight = 0;
  #lastActiveMs: number;
  #draining = false;
  /** The answer that is next waits for memory. */
  #awaitsAnswerRoom = false;
  /** Since when the next request waits for those before it. */
  #heldUpSinceMs: number | null = null;
  #onRoom: (() => void) | null = null;
  #onDrained: (() => void) | null = null;

  constructor(connection: FramedConnection, listener: string, options: ConnectionOptions) {
    const { clock, timeouts, answerBytes } = options;
    this.#connection = connection;
    this.#options = options;
    this.#lastActiveMs = clock.monotonicMs();
    this.#arrival = new Arrival(connection);
    this.#stall = new StallWatch({
      clock,
      timeouts,
      contended: () => answerBytes.contended,
      stalled: (untakenMs, unsent) => {
        options.logger.warn({ peer: connection.peer, unsent, untakenMs }, "A Kafka client takes no answers and is cut off");
        connection.close(`the client took no answer for ${Math.round(untakenMs)} ms`);
      },
    });
    this.#context = {
      principal: null,
      clientId: "",
      listener,
      peer: connection.peer,
      dialled: connection.local,
      deadlineMs: Infinity,
      signal: this.#gone.signal,
      draining: this.#drain.signal,
      answerBytes: new ByteBudget(Math.max(1, Math.floor(answerBytes.limit / ANSWERS_SHARE))),
    };
    void connection.closed.then((reason) => this.#gone.abort(new Error(reason.message)));
  }

  /** Resolves when the connection is over and every request of it has ended. */
  async run(): Promise<void> {
    const { turns, clock, logger, requestBytes } = this.#options;
    const { peer } = this.#connection;
    try {
      for await (const frame of this.#connection.frames) {
        this.#lastActiveMs = clock.monotonicMs();
        const bytes = await this.#room(frame);
        if (bytes === null) break;
        // Asked for and started without a pause between: of those that wait for the turn only the first gets it.
        if (frame.length > LARGE_FRAME_BYTES) for (let turn = turns.mayStart(); turn !== null; turn = turns.mayStart()) await turn;
        if (this.#draining) {
          requestBytes.give(bytes);
          break;
        }
        const items = this.#start(frame, bytes);
        await turns.take(this, frame.length, items);
      }
    } catch (error) {
      logger.error({ err: error, peer }, "Reading from a Kafka client failed");
      this.#connection.close("internal error");
    }
    if (!this.#draining) await this.#connection.closed;
    await this.#drained();
    // What nobody will read any more gives back its memory.
    this.#connection.close();
    this.#stall.close();
  }

  /** Takes nothing more, answers what it has taken, then closes the connection. Requests that wait for more are answered with what is there. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#drain.abort(new Error("the broker stops"));
    this.#onRoom?.();
    await this.#drained();
    this.#connection.close();
  }

  close(): void {
    this.#draining = true;
    this.#connection.close("the broker stops");
  }

  /** Ends the connection when nothing was said for too long, or a message does not come on. */
  look(nowMs: number): void {
    const { maxIdleMs, arrivingBytes, logger } = this.#options;
    if (this.#heldUpSinceMs !== null && arrivingBytes.contended && nowMs - this.#heldUpSinceMs >= HINDERING_MAX_MS) this.#hurry();
    const stalled = this.#arrival.look(nowMs, arrivingBytes.contended);
    if (stalled !== null) {
      logger.warn(
        { peer: this.#connection.peer, ...stalled },
        "A request of a Kafka client does not come on, and its connection is closed",
      );
      return this.#connection.close("the request does not come on");
    }
    const busy = this.#inFlight > 0 || this.#connection.arriving !== null;
    if (busy || nowMs - this.#lastActiveMs < maxIdleMs) return;
    this.#draining = true;
    this.#connection.close();
  }

  /** Requests that wait for more are answered with what is there: behind them are others, whose memory is needed. */
  #hurry(): void {
    const before = this.#drain;
    this.#drain = new AbortController();
    this.#context = { ...this.#context, draining: this.#drain.signal };
    before.abort(new Error("others need the memory of what came after this request"));
  }

  /** Waits until this connection and the broker have room for one more request.
   * @returns what was taken from the broker's budget; null when the request is not to be carried out */
  async #room(frame: Uint8Array): Promise<number | null> {
    const { requestBytes, arrivingBytes, clock } = this.#options;
    const leave = (): null => {
      if (frame.length > LARGE_FRAME_BYTES) arrivingBytes.give(Math.min(frame.length, arrivingBytes.limit));
      return null;
    };
    while ((this.#inFlight >= IN_FLIGHT_MAX || this.#awaitsAnswerRoom) && !this.#draining) {
      this.#heldUpSinceMs ??= clock.monotonicMs();
      await new Promise<void>((resolve) => (this.#onRoom = resolve));
    }
    this.#heldUpSinceMs = null;
    if (this.#draining) return leave();
    let taken = requestBytes.tryTake(frame.length);
    if (taken === null) {
      try {
        taken = await requestBytes.take(frame.length, this.#gone.signal);
      } catch {
        return leave();
      }
    }
    leave();
    if (!this.#draining) return taken;
    requestBytes.give(taken);
    return null;
  }

  /** @returns how many parts it has, about */
  #start(frame: Uint8Array, bytes: number): number {
    const pending: Pending = {
      name: "",
      startedMs: this.#lastActiveMs,
      bytes,
      items: Math.floor(frame.length / ITEM_BYTES),
      answerBytes: 0,
      answer: undefined,
      whenSent: null,
      onTurn: null,
    };
    this.#inFlight++;
    this.#pending.push(pending);
    try {
      const answer = this.#answer(frame, pending);
      if (!(answer instanceof Promise)) this.#ready(pending, answer);
      else
        answer.then(
          (frame) => this.#ready(pending, frame),
          (error: unknown) => this.#failed(pending, error),
        );
    } catch (error) {
      this.#failed(pending, error);
    }
    return pending.items;
  }

  #answer(frame: Uint8Array, pending: Pending): Frame | null | Promise<Frame | null> {
    const { door } = this.#options;
    const stranger = strangeVersions(frame, door);
    if (stranger !== null) return versionsForStrangers(door.apis, stranger);
    const { apiKey, apiVersion, correlationId, clientId, bodyAt } = kafka.decodeRequestHeader(frame);
    const api = requireApi(door, apiKey, apiVersion);
    pending.name = api.name;
    if (clientId !== this.#context.clientId) this.#context = { ...this.#context, clientId: clientId ?? "" };
    const head: RequestHead = {
      version: apiVersion,
      correlationId,
      context: this.#context,
      whenSent: (run, bytes) => {
        pending.answerBytes += bytes;
        (pending.whenSent ??= []).push(run);
      },
      messageDone: () => this.#giveRequest(pending),
      weighs: (items) => void (pending.items = items),
      inTurn: () => (this.#pending[0] === pending ? null : new Promise((resolve) => (pending.onTurn = resolve))),
    };
    return api.answer(door, head, frame, bodyAt);
  }

  #failed(pending: Pending, error: unknown): void {
    if (!this.#gone.signal.aborted) this.#options.closing(this.#connection.peer, this.#context.clientId, pending.name, error);
    // In order, so that what was answered before arrives. Nothing that is ready later can be sent any more.
    this.#connection.close();
    this.#ready(pending, null);
  }

  #ready(pending: Pending, answer: Frame | null): void {
    pending.answer = answer;
    this.#leaveInTurn();
  }

  #leaveInTurn(): void {
    if (this.#awaitsAnswerRoom) return;
    for (let first = this.#pending[0]; first?.answer !== undefined; first = this.#pending[0]) {
      const room = this.#answerRoom(first, first.answer);
      if (room instanceof Promise) return this.#leaveLater(first, first.answer, room);
      this.#pending.shift();
      this.#leave(first, first.answer, room);
    }
    this.#pending[0]?.onTurn?.();
  }

  /** Until then the answer stays the first: what is behind it takes no memory, and nothing more is started. */
  #leaveLater(first: Pending, answer: Frame | null, room: Promise<AnswerRoom>): void {
    this.#awaitsAnswerRoom = true;
    const leave = (got: AnswerRoom): void => {
      this.#awaitsAnswerRoom = false;
      this.#pending.shift();
      this.#leave(first, answer, got);
      this.#leaveInTurn();
      this.#onRoom?.();
    };
    // Nobody wants it any more, and it is dropped.
    room.then(leave, () => leave(AnswerRoom.none));
  }

  /** Memory for what its handler has set none aside for. */
  #answerRoom({ answerBytes: held }: Pending, answer: Frame | null): AnswerRoom | Promise<AnswerRoom> {
    const bytes = answer === null ? 0 : answer.reduce((sum, { length }) => sum + length, 0) - held;
    if (bytes <= LARGE_ANSWER_BYTES) return AnswerRoom.none;
    const budgets = [this.#context.answerBytes, this.#options.answerBytes];
    return held > 0 ? AnswerRoom.overdraw(budgets, bytes) : AnswerRoom.take(budgets, bytes, this.#gone.signal);
  }

  #leave(pending: Pending, answer: Frame | null, room: AnswerRoom): void {
    const { clock, door } = this.#options;
    if (pending.name !== "") door.metrics.answered(pending.name, clock.monotonicMs() - pending.startedMs);
    if (answer === null) return this.#over(pending);
    this.#stall.ready();
    const sent = (): void => {
      this.#stall.taken();
      this.#lastActiveMs = clock.monotonicMs();
      room.keep(0);
      this.#over(pending);
    };
    // An answer to a client that has gone is dropped.
    this.#connection.send(answer).then(sent, sent);
  }

  #over(pending: Pending): void {
    this.#inFlight--;
    this.#giveRequest(pending);
    for (const run of pending.whenSent ?? []) run();
    this.#onRoom?.();
    if (this.#inFlight === 0) this.#onDrained?.();
  }

  #giveRequest(pending: Pending): void {
    const { bytes } = pending;
    pending.bytes = 0;
    this.#options.requestBytes.give(bytes);
  }

  #drained(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#onDrained;
      this.#onDrained = () => (before?.(), resolve());
    });
  }
}

const API_VERSIONS = kafka.apis.apiVersions.key;

/** @returns the correlation id of an ApiVersions request in a version that is not known, of which no more can be read; else null */
function strangeVersions(frame: Uint8Array, { apis }: KafkaParts): number | null {
  if (frame.length < 8) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getInt16(0) !== API_VERSIONS) return null;
  const version = view.getInt16(2);
  const known = apis.get(API_VERSIONS);
  return known !== undefined && (version > known.maxVersion || version < 0) ? view.getInt32(4) : null;
}

function requireApi({ apis }: KafkaParts, key: number, version: number): Api {
  const api = apis.get(key);
  if (api === undefined) {
    const name = kafka.apiByKey(key)?.name;
    throw new CloseConnection(`API ${name === undefined ? key : `${name} (${key})`} is not answered here; ApiVersions tells which are`);
  }
  if (version < api.minVersion || version > api.maxVersion)
    throw new CloseConnection(`version ${version} of ${api.name} is not answered here; ${api.minVersion} to ${api.maxVersion} are`);
  return api;
}
