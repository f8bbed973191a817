import type { Clock, Logger } from "@ottla/host";

const EVERY_MS = 1000;

/** Lines of the log about what strangers do, who can do it as often as they like: one of a kind a second, with the number of those left out. */
export class Complaints {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #kinds = new Map<string, { saidMs: number; leftOut: number }>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @param kind one of a few: each is remembered */
  warn(kind: string, fields: object, text: string): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#kinds.get(kind);
    if (before !== undefined && nowMs - before.saidMs < EVERY_MS) {
      before.leftOut++;
      return;
    }
    this.#kinds.set(kind, { saidMs: nowMs, leftOut: 0 });
    const leftOut = before?.leftOut ?? 0;
    this.#logger.warn(leftOut === 0 ? fields : { ...fields, leftOut }, text);
  }
}
