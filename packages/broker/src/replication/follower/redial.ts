import { type Clock, deadline, delay, type Logger, NetworkError, type Session } from "@ottla/host";

const DIAL_TIMEOUT_MS = 2000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

export interface RedialOptions {
  readonly leader: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** @throws Error when it is not known where the leader is, or nobody answers there */
  dial(signal: AbortSignal): Promise<Session>;
}

/** Keeps a session with one leader: whenever it ends, it is dialled again. */
export class Redial {
  readonly #options: RedialOptions;
  readonly #serve: (session: Session) => Promise<void>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #pause: AbortController | null = null;

  /** @param serve resolves or rejects when the session is over */
  constructor(options: RedialOptions, serve: (session: Session) => Promise<void>) {
    this.#options = options;
    this.#serve = serve;
    this.#running = this.#keep();
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** The leader may be reached now. */
  wake(): void {
    this.#pause?.abort();
  }

  stop(): void {
    this.#stop.abort(new Error("nothing is followed there any more"));
  }

  /** Resolves when nothing is dialled or served any more, after {@link stop}. */
  get ended(): Promise<void> {
    return this.#running;
  }

  async #keep(): Promise<void> {
    const { clock, logger, leader, dial } = this.#options;
    let pauseMs = 0;
    while (!this.stopped) {
      const limit = deadline(clock, DIAL_TIMEOUT_MS, `Dialling broker ${leader}`, this.#stop.signal);
      try {
        const session = await dial(limit.signal).finally(() => limit.cancel());
        if (this.stopped) return session.close();
        const startedMs = clock.monotonicMs();
        await this.#serve(session);
        if (clock.monotonicMs() - startedMs >= LONGEST_PAUSE_MS) pauseMs = 0;
      } catch (error) {
        if (this.stopped) return;
        const expected = error instanceof NetworkError;
        logger[expected ? "debug" : "warn"](
          { leader, err: error },
          "The leader of some partitions cannot be followed; it is dialled again",
        );
      }
      pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2));
      await this.#rest(pauseMs);
    }
  }

  async #rest(ms: number): Promise<void> {
    this.#pause = new AbortController();
    const wake = (): void => this.#pause?.abort();
    this.#stop.signal.addEventListener("abort", wake, { once: true });
    await delay(this.#options.clock, ms, this.#pause.signal).catch(() => {});
    this.#stop.signal.removeEventListener("abort", wake);
    this.#pause = null;
  }
}
