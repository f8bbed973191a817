import type { Clock, Logger } from "@ottla/host";
import { type pb, ProtocolError } from "@ottla/protocol";

const REGISTER_TIMEOUT_MS = 10_000;

export interface RegistrationOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessionTimeoutMs: number;
  registration(): pb.RegisterCommand;
  ask(command: pb.RegisterCommand, timeoutMs: number): Promise<pb.RegisterReply>;
  onRegistered(brokerEpoch: number): void;
  onFatal(error: Error): void;
}

/** Makes this incarnation of the broker known to the controllers, once. */
export class Registration {
  readonly #options: RegistrationOptions;
  #brokerEpoch: number | null = null;
  /** Asked for, or done. */
  #begun = false;
  #duplicateSinceMs: number | null = null;
  #stopped = false;
  /** Why it was refused last: said once, not with every attempt. */
  #said = "";

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Null until the controllers have registered this incarnation. */
  get brokerEpoch(): number | null {
    return this.#brokerEpoch;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Asks, unless that was done. A refusal that will pass is asked again by the next call. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const { ask, registration, onRegistered, onFatal, logger } = this.#options;
    ask(registration(), REGISTER_TIMEOUT_MS).then(
      ({ brokerEpoch }) => {
        this.#brokerEpoch = brokerEpoch;
        onRegistered(brokerEpoch);
      },
      (error: unknown) => {
        if (this.#stopped) return;
        if (!this.#worthRetrying(error))
          return onFatal(
            new Error(`The controllers refuse this broker: ${error instanceof Error ? error.message : String(error)}`, { cause: error }),
          );
        const said = error instanceof Error ? error.message : String(error);
        logger[said === this.#said ? "debug" : "warn"]({ err: error }, `The broker is not registered yet, and goes on trying: ${said}`);
        this.#said = said;
        this.#begun = false;
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
}
