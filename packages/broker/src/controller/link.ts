import type { Attributes, Clock, Logger, Session, Timer } from "@ottla/host";
import { assert, pb, ProtocolError, services } from "@ottla/protocol";
import type { Timeouts } from "../timeouts.ts";
import type { AppliedIndex } from "./applied-index.ts";
import { type CommandKind, type CommandOf, Commands, type ReplyOf } from "./commands.ts";
import { keepSession } from "./redial.ts";

/** A controller that owes answers and says nothing for so long is given up. */
const SILENCE_MAX_MS = 5000;
const REGISTER_TIMEOUT_MS = 10_000;
/** A caller sees what it caused once this broker has applied it; it does not wait longer for that. */
const APPLIED_WITHIN_MS = 1000;

export interface ControllerLinkOptions {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly applied: AppliedIndex;
  attributes(): Attributes;
  dialController(service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
  registration(): pb.RegisterCommand;
  onRegistered(brokerEpoch: number): void;
  onFatal(error: Error): void;
}

/** The one session with the controller leader: registration, heartbeats, and every command that this broker relays. */
export class ControllerLink {
  readonly #options: ControllerLinkOptions;
  readonly #commands: Commands;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #session: Session | null = null;
  #brokerEpoch: number | null = null;
  #sending: Timer | null = null;
  #heartbeat: Timer | null = null;
  #heardMs = 0;
  #toldApplied = 0;
  /** Asked for, or done. */
  #registering = false;
  #duplicateSinceMs: number | null = null;

  constructor(options: ControllerLinkOptions) {
    this.#options = options;
    this.#commands = new Commands(options.clock, options.timeouts, () => this.#sendSoon());
  }

  /** Null until the controllers have registered this incarnation. */
  get brokerEpoch(): number | null {
    return this.#brokerEpoch;
  }

  start(): void {
    const { clock, logger } = this.#options;
    this.#running = keepSession(
      {
        clock,
        logger,
        service: services.session,
        attributes: () => this.#options.attributes(),
        dialController: (service, attributes, signal) => this.#options.dialController(service, attributes, signal),
        serve: (session) => this.#serve(session),
      },
      this.#stop.signal,
    );
  }

  /** Resolves once the command is committed and this broker has applied it.
   * @throws ProtocolError of the controller; REQUEST_TIMED_OUT: its effect is unknown; the signal's reason */
  async command<K extends CommandKind>(
    kind: K,
    value: CommandOf<K>["value"],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<ReplyOf<K>> {
    const reply = await this.#commands.ask({ case: kind, value } as pb.Command["command"], timeoutMs, signal ? { signal } : {});
    await this.#options.applied.reached(reply.index, APPLIED_WITHIN_MS);
    return replyValue(reply, kind);
  }

  /** The applied index moved: whoever created a topic waits for this. */
  tellApplied(): void {
    if (this.#brokerEpoch !== null) this.#sendSoon();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("the broker stops"));
    this.#sending?.cancel();
    this.#heartbeat?.cancel();
    this.#commands.close(
      new ProtocolError("REQUEST_TIMED_OUT", "The broker stops; whether the controller did what was asked is not known"),
    );
    await this.#running;
  }

  #register(): void {
    const { onRegistered, onFatal, logger, registration } = this.#options;
    this.#registering = true;
    this.#commands.ask({ case: "register", value: registration() }, REGISTER_TIMEOUT_MS, { first: true }).then(
      (reply) => {
        this.#brokerEpoch = replyValue(reply, "register").brokerEpoch;
        onRegistered(this.#brokerEpoch);
        this.#sendSoon();
      },
      (error: unknown) => {
        if (this.#stop.signal.aborted) return;
        if (!this.#worthRetrying(error))
          return onFatal(
            new Error(`The controllers refuse this broker: ${error instanceof Error ? error.message : String(error)}`, { cause: error }),
          );
        logger.warn({ err: error }, "The broker is not registered yet; it goes on trying");
        this.#registering = false;
      },
    );
  }

  /** After a crash the controllers may take the former process for alive, until its session has timed out. */
  #worthRetrying(error: unknown): boolean {
    if (!(error instanceof ProtocolError)) return false;
    if (error.error !== "DUPLICATE_BROKER_REGISTRATION") return error.retriable;
    const nowMs = this.#options.clock.monotonicMs();
    this.#duplicateSinceMs ??= nowMs;
    return nowMs - this.#duplicateSinceMs < 2 * this.#options.sessionTimeoutMs;
  }

  async #serve(session: Session): Promise<void> {
    const { clock, logger } = this.#options;
    this.#session = session;
    this.#heardMs = clock.monotonicMs();
    // The endpoints are known from here on: dialling waits until the doors are open.
    if (!this.#registering) this.#register();
    try {
      this.#send([...this.#commands.takeUnanswered(), ...this.#takeQueued()]);
      this.#beat();
      for await (const frame of session.frames) {
        this.#heardMs = clock.monotonicMs();
        const message = pb.SessionReply.decode(frame);
        for (const reply of message.replies) this.#commands.answered(reply);
        if (message.leader !== undefined) {
          logger.debug({ leader: message.leader }, "The controller asked leads no more");
          return;
        }
        this.#sendSoon();
      }
      const reason = await session.closed;
      logger.debug({ reason: reason.message }, "The session with the controller ended");
    } finally {
      this.#session = null;
      this.#heartbeat?.cancel();
    }
  }

  /** Any message counts as a heartbeat; this sends one when there was no other. */
  #beat(): void {
    const { clock, heartbeatIntervalMs } = this.#options;
    this.#heartbeat?.cancel();
    this.#heartbeat = clock.after(heartbeatIntervalMs, () => {
      if (this.#commands.unanswered > 0 && clock.monotonicMs() - this.#heardMs > Math.max(SILENCE_MAX_MS, 2 * heartbeatIntervalMs)) {
        this.#session?.close({ code: "SILENT", message: `No answer for ${SILENCE_MAX_MS} ms` });
        return;
      }
      if (!this.#registering) this.#register();
      this.#send(this.#takeQueued());
      this.#beat();
    });
  }

  /** What a turn brings goes out together. */
  #sendSoon(): void {
    if (this.#sending !== null || this.#session === null) return;
    this.#sending = this.#options.clock.soon(() => {
      this.#sending = null;
      const commands = this.#takeQueued();
      if (commands.length > 0 || this.#options.applied.value > this.#toldApplied) this.#send(commands);
    });
  }

  #takeQueued(): pb.Command[] {
    return this.#brokerEpoch === null ? this.#commands.takeQueued("register") : this.#commands.takeQueued();
  }

  #send(commands: pb.Command[]): void {
    const session = this.#session;
    if (session === null) return;
    this.#toldApplied = this.#options.applied.value;
    const frame = pb.SessionRequest.encode({
      brokerEpoch: this.#brokerEpoch ?? 0,
      lowestUnanswered: this.#commands.lowestUnanswered,
      appliedIndex: this.#toldApplied,
      commands,
    });
    // A session that has ended is noticed by whoever reads it; what was under way goes out again.
    session.send([frame]).catch(() => {});
  }
}

function replyValue<K extends CommandKind>(reply: pb.CommandReply, kind: K): ReplyOf<K> {
  assert(reply.reply.case === kind, `command ${reply.sequence} of kind ${kind} was answered with ${reply.reply.case ?? "nothing"}`);
  return reply.reply.value as ReplyOf<K>;
}
