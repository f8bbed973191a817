import { NotLeaderError } from "../quorum/index.ts";

/** Asks the quorum whether this node still leads, for reads that were decided. */
export class Confirmations {
  readonly #quorum: { readIndex(signal: AbortSignal): Promise<number> };
  readonly #fail: (error: Error) => void;
  /** Rounds that ended because leadership was being handed over. */
  readonly #unconfirmed: (() => void)[] = [];

  constructor(quorum: { readIndex(signal: AbortSignal): Promise<number> }, fail: (error: Error) => void) {
    this.#quorum = quorum;
    this.#fail = fail;
  }

  /** @param signal aborts when leadership is lost: then nobody is told */
  ask(signal: AbortSignal, confirmed: () => void): void {
    this.#quorum.readIndex(signal).then(confirmed, (error: unknown) => {
      if (signal.aborted) return;
      if (!(error instanceof NotLeaderError))
        this.#fail(new Error("A read of the controllers' state could not be confirmed", { cause: error }));
      // Lost leadership ends a round, and `drop` is about to come; one that was only being handed over, and was not, asks again.
      else this.#unconfirmed.push(() => this.ask(signal, confirmed));
    });
  }

  /** Leadership was to be handed over and was not. */
  resume(): void {
    for (const ask of this.#unconfirmed.splice(0)) ask();
  }

  drop(): void {
    this.#unconfirmed.length = 0;
  }
}
