import type { ControllerLink } from "../controller/link.ts";

/** Ids fetched from the controllers at once. What is left of them at a stop is never used. */
const BLOCK = 1000;
/** The next block is asked for while so many are left. */
const REFILL_BELOW = 200;
/** A block is for all who wait: its time is not that of the one who came first. */
const FETCH_TIMEOUT_MS = 10_000;

/** Hands out producer ids, each once in the life of the cluster. */
export class ProducerIds {
  readonly #link: Pick<ControllerLink, "command">;
  #next = 0;
  #left = 0;
  #spare: { firstId: number; count: number } | null = null;
  #fetching: Promise<void> | null = null;

  constructor(link: Pick<ControllerLink, "command">) {
    this.#link = link;
  }

  async take(): Promise<number> {
    while (this.#left === 0) {
      if (this.#spare !== null) {
        ({ firstId: this.#next, count: this.#left } = this.#spare);
        this.#spare = null;
      } else await this.#fetch();
    }
    this.#left--;
    // A failure here is met by whoever finds no ids left.
    if (this.#left < REFILL_BELOW && this.#spare === null) this.#fetch().catch(() => {});
    return this.#next++;
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#link
      .command("allocateProducerIds", { count: BLOCK }, FETCH_TIMEOUT_MS)
      .then((block) => {
        this.#spare = block;
      })
      .finally(() => {
        this.#fetching = null;
      });
    return this.#fetching;
  }
}
