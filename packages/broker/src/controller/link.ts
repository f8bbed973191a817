import { type Attributes, type Clock, type Logger, type NetworkError, type Session, type Timer } from "@ottla/host";
import { assert, pb, ProtocolError, services } from "@ottla/protocol";
import type { Timeouts } from "../timeouts.ts";
import type { AppliedIndex } from "./applied-index.ts";
import { type CommandKind, type CommandOf, Commands, type ReplyOf } from "./commands.ts";
import type { Candidate } from "./controllers.ts";
import { CatchUp } from "./catch-up.ts";
import { Redial } from "./redial.ts";
import { Registration } from "./registration.ts";
import { Silence, SILENCE_MAX_MS } from "./silence.ts";

/** Nobody waits longer to learn what others have caused. */
const CAUGHT_UP_WITHIN_MS = 500;
/** A caller sees what it caused once this broker has applied it; it does not wait longer for that. */
const APPLIED_WITHIN_MS = 1000;

export interface ControllerLinkOptions {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly applied: AppliedIndex;
  attributes(): Attributes;
  candidates(): Candidate[];
  registration(): pb.RegisterCommand;
  /** What is told of the disk; undefined while there is space. */
  lowSpace(): pb.LowSpace | undefined;
  onRegistered(brokerEpoch: number): void;
  /** The controller asked has committed so far. */
  onCommitted(index: number): void;
  onRefused(error: NetworkError): void;
  onFatal(error: Error): void;
}

/** The one session with the controller leader: registration, heartbeats, and every command that this broker relays. */
export class ControllerLink {
  readonly #options: ControllerLinkOptions;
  readonly #commands: Commands;
  readonly #registration: Registration;
  readonly #redial: Redial;
  readonly #catchUp = new CatchUp(() => this.#catchUpOnce());
  #session: Session | null = null;
  #silence: Silence;
  #sending: Timer | null = null;
  #heartbeat: Timer | null = null;
  #toldApplied = 0;
  #term = 0;

  constructor(options: ControllerLinkOptions) {
    const { clock, timeouts, heartbeatIntervalMs } = options;
    this.#options = options;
    this.#commands = new Commands(clock, timeouts, () => this.#sendSoon());
    this.#silence = new Silence(clock, heartbeatIntervalMs);
    this.#registration = new Registration({
      ...options,
      ask: async (value, timeoutMs) =>
        replyValue(await this.#commands.ask({ case: "register", value }, timeoutMs, { first: true }), "register"),
      onRegistered: (brokerEpoch) => {
        options.onRegistered(brokerEpoch);
        this.#sendSoon();
      },
    });
    this.#redial = new Redial({ ...options, service: services.session, serve: (session, nodeId) => this.#serve(session, nodeId) });
  }

  /** Null until the controllers have registered this incarnation. */
  get brokerEpoch(): number | null {
    return this.#registration.brokerEpoch;
  }

  /** Why no controller can be asked; empty while one is. */
  get failures(): string[] {
    return this.#session === null ? this.#redial.failures : [];
  }

  start(): void {
    this.#redial.start();
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

  /** Resolves once all that the controllers had committed at the time of this call is applied here; false: they could not be asked, or it took too long. */
  caughtUp(): Promise<boolean> {
    return this.#session === null || this.brokerEpoch === null ? Promise.resolve(false) : this.#catchUp.next();
  }

  /** The applied index moved: whoever created a topic waits for this. */
  tellApplied(): void {
    if (this.brokerEpoch !== null) this.#sendSoon();
  }

  /** The metadata name who leads the controllers, which may be news before the old leader falls silent. */
  leads(nodeId: number, term: number): void {
    if (nodeId === -1 || term <= this.#term) return;
    this.#term = term;
    this.#redial.prefer(nodeId);
  }

  async close(): Promise<void> {
    this.#registration.stop();
    this.#sending?.cancel();
    this.#heartbeat?.cancel();
    this.#commands.close(
      new ProtocolError("REQUEST_TIMED_OUT", "The broker stops; whether the controller did what was asked is not known"),
    );
    await this.#redial.close();
  }

  async #catchUpOnce(): Promise<boolean> {
    const { applied, clock } = this.#options;
    const untilMs = clock.monotonicMs() + CAUGHT_UP_WITHIN_MS;
    try {
      // Any question will do: its answer says up to where the cluster had changed when it was asked.
      const { index } = await this.#commands.ask({ case: "describeQuorum", value: {} }, CAUGHT_UP_WITHIN_MS);
      await applied.reached(index, Math.max(1, untilMs - clock.monotonicMs()));
      return applied.value >= index;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  /** @returns whether this controller had more to say than who else leads */
  async #serve(session: Session, nodeId: number): Promise<boolean> {
    const { clock, logger, heartbeatIntervalMs, onCommitted } = this.#options;
    this.#session = session;
    this.#silence = new Silence(clock, heartbeatIntervalMs);
    // The endpoints are known from here on: dialling waits until the doors are open.
    this.#registration.begin();
    let served = false;
    try {
      this.#send([...this.#commands.takeUnanswered(), ...this.#takeQueued()]);
      this.#beat();
      for await (const frame of session.frames) {
        this.#silence.heard();
        const message = pb.SessionReply.decode(frame);
        for (const reply of message.replies) this.#commands.answered(reply);
        onCommitted(message.committedIndex);
        if (message.leader !== undefined) {
          logger.debug({ controller: nodeId, leader: message.leader }, "The controller asked does not lead");
          if (message.leader !== -1) this.#redial.redirect(message.leader);
          if (!served) throw new Error(this.#whereTo(message.leader));
          return served;
        }
        served = true;
        this.#sendSoon();
      }
      logger.debug({ controller: nodeId, reason: (await session.closed).message }, "The session with the controller ended");
      return served;
    } finally {
      this.#session = null;
      this.#heartbeat?.cancel();
    }
  }

  /** Why a controller that does not lead was of no use. */
  #whereTo(leader: number): string {
    const { nodeId, candidates } = this.#options;
    if (leader === -1) return "it knows no leader of the controllers";
    // Nobody dials himself, so a leader with this very id is never reached and cannot refuse the registration.
    if (leader === nodeId && !candidates().some((candidate) => candidate.nodeId === nodeId))
      return `it says that node ${leader} leads the controllers, and this process, which has that id, is no controller: if another process with node.id=${leader} runs, give this node another node.id, or stop the other`;
    return `it says that node ${leader} leads the controllers`;
  }

  /** Any message counts as a heartbeat; this sends one when there was no other, and one without commands is answered at once. */
  #beat(): void {
    const { clock, heartbeatIntervalMs } = this.#options;
    this.#heartbeat?.cancel();
    this.#heartbeat = clock.after(heartbeatIntervalMs, () => {
      if (this.#silence.exceeded()) return this.#session?.close({ code: "SILENT", message: `No answer for ${SILENCE_MAX_MS} ms` });
      this.#registration.begin();
      this.#silence.spoken();
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
    return this.brokerEpoch === null ? this.#commands.takeQueued("register") : this.#commands.takeQueued();
  }

  #send(commands: pb.Command[]): void {
    const session = this.#session;
    if (session === null) return;
    this.#toldApplied = this.#options.applied.value;
    const frame = pb.SessionRequest.encode({
      brokerEpoch: this.brokerEpoch ?? 0,
      lowestUnanswered: this.#commands.lowestUnanswered,
      appliedIndex: this.#toldApplied,
      commands,
      lowSpace: this.#options.lowSpace(),
    });
    // A session that has ended is noticed by whoever reads it; what was under way goes out again.
    session.send([frame]).catch(() => {});
  }
}

function replyValue<K extends CommandKind>(reply: pb.CommandReply, kind: K): ReplyOf<K> {
  assert(reply.reply.case === kind, `command ${reply.sequence} of kind ${kind} was answered with ${reply.reply.case ?? "nothing"}`);
  return reply.reply.value as ReplyOf<K>;
}
