import type { Clock, Logger, Timer } from "@ottla/host";
import type { pb } from "@ottla/protocol";

const KEPT_MAX = 1000;
const TIMEOUT_MS = 10_000;

export interface TruncationsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  command(value: pb.ReportTruncationsCommand, timeoutMs: number): Promise<unknown>;
}

/** Tells the controllers where logs were cut, for the list of events; what cannot be told stays in this node's own log. */
export class Truncations {
  readonly #options: TruncationsOptions;
  #queue: pb.Truncation[] = [];
  #sending: Timer | null = null;

  constructor(options: TruncationsOptions) {
    this.#options = options;
  }

  add(truncation: pb.Truncation): void {
    if (this.#queue.length < KEPT_MAX) this.#queue.push(truncation);
    this.#sending ??= this.#options.clock.soon(() => {
      this.#sending = null;
      this.#send();
    });
  }

  close(): void {
    this.#sending?.cancel();
    this.#queue = [];
  }

  #send(): void {
    const { command, logger } = this.#options;
    const truncations = this.#queue;
    this.#queue = [];
    command({ truncations }, TIMEOUT_MS).catch((error: unknown) =>
      logger.warn({ partitions: truncations.length, err: error }, "The controllers could not be told that logs were cut"),
    );
  }
}
