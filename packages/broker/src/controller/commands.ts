import type { Clock, Timer } from "@ottla/host";
import { errorName, type pb, ProtocolError } from "@ottla/protocol";
import type { Timeouts } from "../timeouts.ts";

/** The replicated state keeps the replies of so many commands of an incarnation, so no more may be under way. */
const WINDOW = 500;
/** Commands that wait for their turn; more is refused. */
const QUEUED_MAX = 10_000;

export type CommandKind = NonNullable<pb.Command["command"]["case"]>;
export type CommandOf<K extends CommandKind> = Extract<pb.Command["command"], { case: K }>;
export type ReplyOf<K extends CommandKind> = Extract<pb.CommandReply["reply"], { case: K }>["value"];

interface Pending {
  readonly command: pb.Command["command"];
  readonly deadlineMs: number;
  /** 0 until it is first sent. */
  sequence: number;
  timer: Timer | null;
  /** The caller has gone; a reply is awaited only to free the sequence. */
  abandoned: boolean;
  settle(outcome: pb.CommandReply | Error): void;
}

/** The commands of this incarnation: numbered when first sent, sent again with the same number after a broken session, each answered once. */
export class Commands {
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  readonly #onQueued: () => void;
  #queue: Pending[] = [];
  readonly #sent = new Map<number, Pending>();
  #nextSequence = 1;

  constructor(clock: Clock, timeouts: Timeouts, onQueued: () => void) {
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#onQueued = onQueued;
  }

  get unanswered(): number {
    return this.#sent.size;
  }

  /** All commands below it were answered. */
  get lowestUnanswered(): number {
    const first = this.#sent.keys().next();
    return first.done ? this.#nextSequence : first.value;
  }

  /** @param options.first puts it before all that waits
   * @param options.signal of a caller that may go: what was not sent by then is not sent
   * @throws ProtocolError of the reply; REQUEST_TIMED_OUT when none came in time: its effect is unknown then; the signal's reason */
  ask(
    command: pb.Command["command"],
    timeoutMs: number,
    options: { first?: boolean; signal?: AbortSignal } = {},
  ): Promise<pb.CommandReply> {
    const { first = false, signal } = options;
    if (signal?.aborted) return Promise.reject(reasonOf(signal));
    if (!first && this.#queue.length >= QUEUED_MAX) {
      return Promise.reject(
        new ProtocolError("COORDINATOR_NOT_AVAILABLE", `${QUEUED_MAX} commands wait for the controller already: try again later`),
      );
    }
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        if (signal !== undefined) this.#abandon(pending, reasonOf(signal));
      };
      const pending: Pending = {
        command,
        deadlineMs: this.#clock.monotonicMs() + timeoutMs,
        sequence: 0,
        timer: null,
        abandoned: false,
        settle(outcome) {
          this.timer?.cancel();
          signal?.removeEventListener("abort", abort);
          if (outcome instanceof Error) reject(outcome);
          else if (outcome.errorCode !== 0) reject(new ProtocolError(errorName(outcome.errorCode), outcome.errorMessage));
          else resolve(outcome);
        },
      };
      pending.timer = this.#timeouts.after(timeoutMs, () => this.#expire(pending, timeoutMs));
      signal?.addEventListener("abort", abort, { once: true });
      if (first) this.#queue.unshift(pending);
      else this.#queue.push(pending);
      this.#onQueued();
    });
  }

  /** Takes what may be sent now. `only` holds back all but the first kind, while the broker is not registered. */
  takeQueued(only?: CommandKind): pb.Command[] {
    const commands: pb.Command[] = [];
    while (this.#queue[0] !== undefined && this.#nextSequence - this.lowestUnanswered < WINDOW) {
      const pending = this.#queue[0];
      if (only !== undefined && pending.command.case !== only) break;
      this.#queue.shift();
      pending.sequence = this.#nextSequence++;
      this.#sent.set(pending.sequence, pending);
      commands.push(this.#wire(pending));
    }
    return commands;
  }

  /** After a broken session: what nobody waits for is given up, the rest goes out again under its number. */
  takeUnanswered(): pb.Command[] {
    for (const [sequence, pending] of this.#sent) if (pending.abandoned) this.#sent.delete(sequence);
    return [...this.#sent.values()].map((pending) => this.#wire(pending));
  }

  answered(reply: pb.CommandReply): void {
    const pending = this.#sent.get(reply.sequence);
    if (pending === undefined) return;
    this.#sent.delete(reply.sequence);
    if (!pending.abandoned) pending.settle(reply);
  }

  close(reason: ProtocolError): void {
    const all = [...this.#sent.values(), ...this.#queue].filter(({ abandoned }) => !abandoned);
    this.#sent.clear();
    this.#queue = [];
    for (const pending of all) pending.settle(reason);
  }

  #expire(pending: Pending, timeoutMs: number): void {
    const what =
      pending.sequence === 0 ? "no controller could be asked" : "the controller did not answer; whether it was done is not known";
    this.#abandon(pending, new ProtocolError("REQUEST_TIMED_OUT", `Within ${timeoutMs} ms ${what}`));
  }

  #abandon(pending: Pending, error: Error): void {
    if (pending.sequence === 0) this.#queue = this.#queue.filter((each) => each !== pending);
    pending.abandoned = true;
    pending.settle(error);
  }

  #wire({ sequence, command, deadlineMs }: Pending): pb.Command {
    return { sequence, timeoutMs: Math.max(1, Math.ceil(deadlineMs - this.#clock.monotonicMs())), command };
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("The caller has gone", { cause: signal.reason });
}
