import type { Clock, Timer } from "@ottla/host";
import type { Link } from "./link.ts";

/** How often brokers that somebody waits for are looked at. */
const LOOK_EVERY_MS = 250;

/** Notices brokers that let somebody wait without a sign of life, whoever that is. */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #links: () => Iterable<Link>;
  readonly #noticed: () => void;
  #timer: Timer | null = null;
  #closed = false;

  constructor(clock: Clock, links: () => Iterable<Link>, noticed: () => void) {
    this.#clock = clock;
    this.#links = links;
    this.#noticed = noticed;
  }

  /** Somebody waits. */
  look(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = this.#clock.after(LOOK_EVERY_MS, () => {
      this.#timer = null;
      const awaited = [...this.#links()].filter((link) => link.awaited);
      if (awaited.length === 0) return;
      if (awaited.some((link) => link.troubled)) this.#noticed();
      this.look();
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }
}
