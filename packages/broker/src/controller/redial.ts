import { type Attributes, type Clock, deadline, delay, type Logger, NetworkError, type Session } from "@ottla/host";
import type { Candidate } from "./controllers.ts";

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
/** The system of a process that stands still accepts connections: others must get their turn while there is time. */
const DIAL_TIMEOUT_MS = 1000;
/** These stay as they are however often it is tried: a wrong setting, or another cluster's data directory. */
const LASTING = new Set(["INCONSISTENT_CLUSTER_ID", "UNSUPPORTED_PROTOCOL"]);

export interface Dialler {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly service: string;
  candidates(): Candidate[];
  attributes(): Attributes;
  /** Uses the session with this node until it ends or another controller is to be asked; its rejection ends the session too.
   * @returns whether the controller was of any use */
  serve(session: Session, nodeId: number): Promise<boolean>;
  /** Every controller refuses this node, and none has taken it before. */
  onRefused(error: NetworkError): void;
}

/** Keeps one session with the controllers until it is closed: the preferred one first, then the others in turn, each once, then all again
 * after a pause. */
export class Redial {
  readonly #dialler: Dialler;
  readonly #stop = new AbortController();
  /** Of the attempt, the session or the pause under way. */
  #interrupt = new AbortController();
  #preferred: number | null = null;
  #asked: Candidate | null = null;
  /** Tried since the last pause, in vain. */
  readonly #tried = new Set<string>();
  /** Why the candidates did not do, since one did. */
  readonly #failures = new Map<string, Error>();
  #served = false;
  #running: Promise<void> = Promise.resolve();

  constructor(dialler: Dialler) {
    this.#dialler = dialler;
  }

  /** Why no controller is there, a sentence for each that was tried. */
  get failures(): string[] {
    return [...this.#failures].map(([name, error]) => `${name}: ${error.message}`);
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("the broker stops"));
    this.#interrupt.abort(this.#stop.signal.reason);
    await this.#running;
  }

  /** Turns to this controller next, if it was not tried in vain just now. */
  redirect(nodeId: number): void {
    this.#preferred = nodeId;
  }

  /** Turns to this controller now, unless it is the one that is being asked. */
  prefer(nodeId: number): void {
    this.#preferred = nodeId;
    if (this.#asked?.nodeId === nodeId) return;
    for (const { name, nodeId: candidate } of this.#dialler.candidates()) if (candidate === nodeId) this.#tried.delete(name);
    this.#interrupt.abort(new Error(`Node ${nodeId} is to be asked instead`));
  }

  async #run(): Promise<void> {
    const { clock } = this.#dialler;
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.#stop.signal.aborted) {
      this.#interrupt = new AbortController();
      this.#asked = this.#next();
      if (this.#asked === null) {
        this.#checkRefused();
        await delay(clock, pauseMs, this.#interrupt.signal).catch(() => {});
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
        this.#tried.clear();
      } else if (await this.#attempt(this.#asked, this.#interrupt.signal)) {
        pauseMs = FIRST_PAUSE_MS;
      }
    }
  }

  #next(): Candidate | null {
    const left = this.#dialler.candidates().filter(({ name }) => !this.#tried.has(name));
    return left.find(({ nodeId }) => nodeId !== null && nodeId === this.#preferred) ?? left[0] ?? null;
  }

  /** @returns whether the controller was of any use */
  async #attempt(candidate: Candidate, interrupt: AbortSignal): Promise<boolean> {
    try {
      const session = await this.#dial(candidate, interrupt);
      const served = await this.#serve(session, candidate, interrupt);
      if (served) this.#tried.clear();
      // Whoever has just gone is asked again after the others; whoever was given up for a better one has not failed.
      if (!interrupt.aborted) this.#fail(candidate, new Error((await session.closed).message));
      return served;
    } catch (error) {
      if (interrupt.aborted) return false;
      const failure = error instanceof Error ? error : new Error(String(error));
      // Said once, not with every attempt.
      const isNew = this.#failures.get(candidate.name)?.message !== failure.message;
      this.#fail(candidate, failure);
      const { logger, service } = this.#dialler;
      const refused = error instanceof NetworkError && error.reason.kind === "rejected" && error.reason.code !== "BROKER_NOT_AVAILABLE";
      logger[refused && isNew ? "warn" : "debug"](
        { service, controller: candidate.name, err: error },
        `A session with a controller failed: ${failure.message}`,
      );
      return false;
    }
  }

  async #dial(candidate: Candidate, interrupt: AbortSignal): Promise<Session> {
    const { clock, service, attributes } = this.#dialler;
    const limit = deadline(clock, DIAL_TIMEOUT_MS, `Dialling ${candidate.name}`, interrupt);
    try {
      return await candidate.dial(service, attributes(), limit.signal);
    } finally {
      limit.cancel();
    }
  }

  async #serve(session: Session, candidate: Candidate, interrupt: AbortSignal): Promise<boolean> {
    const end = (): void => session.close();
    interrupt.addEventListener("abort", end, { once: true });
    try {
      if (interrupt.aborted) return false;
      const served = await this.#dialler.serve(session, candidate.nodeId ?? Number(session.attributes["ottla-node-id"]));
      if (served) {
        this.#served = true;
        this.#failures.clear();
      }
      return served;
    } finally {
      interrupt.removeEventListener("abort", end);
      session.close();
    }
  }

  #fail({ name, nodeId }: Candidate, error: Error): void {
    if (nodeId === this.#preferred) this.#preferred = null;
    this.#tried.add(name);
    this.#failures.set(name, error);
  }

  /** Only when all are of one mind: a single wrong address in a list does no harm. */
  #checkRefused(): void {
    if (this.#served || this.#failures.size === 0) return;
    const errors = [...this.#failures.values()];
    const [first] = errors;
    if (first instanceof NetworkError && errors.every((error) => error instanceof NetworkError && LASTING.has(error.reason.code ?? "")))
      this.#dialler.onRefused(first);
  }
}
