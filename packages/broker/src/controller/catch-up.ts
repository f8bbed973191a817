/** Asks for all who want to know at the same time: one question is under way, and what comes meanwhile waits for the one after it, which begins later
 * than they came. */
export class CatchUp {
  readonly #ask: () => Promise<boolean>;
  #running: Promise<boolean> | null = null;
  #queued: Promise<boolean> | null = null;

  constructor(ask: () => Promise<boolean>) {
    this.#ask = ask;
  }

  /** The outcome of a question that begins after this call. */
  next(): Promise<boolean> {
    if (this.#running === null) return this.#start();
    this.#queued ??= this.#running.then(
      () => this.#startQueued(),
      () => this.#startQueued(),
    );
    return this.#queued;
  }

  #startQueued(): Promise<boolean> {
    this.#queued = null;
    return this.#start();
  }

  #start(): Promise<boolean> {
    const running = this.#ask().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
