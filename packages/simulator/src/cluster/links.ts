import type { MemoryHost, Random } from "@ottla/host";

/** Sessions over a link that carries nothing are given up by their keepalives after about so long. */
const SILENCE_MS = 3000;

export interface Place {
  readonly hostName: string;
  /** Of the present life: it changes with each. */
  readonly host: MemoryHost;
  /** Its process stands still: it hears nothing and says nothing. */
  readonly frozen: boolean;
}

/** The network between all machines: which way is cut, and how long each takes. */
export class Links {
  readonly #places: readonly Place[];
  readonly #random: Random;
  readonly #cut = new Set<string>();
  /** Cut for good. */
  readonly #severed = new Set<string>();
  readonly #slowMs = new Map<string, number>();
  readonly #baseMs: number;

  /** @param baseMs how long a frame takes at least; as much again at random */
  constructor(places: readonly Place[], random: Random, baseMs: number) {
    this.#places = places;
    this.#random = random;
    this.#baseMs = baseMs;
  }

  get cuts(): ReadonlySet<string> {
    return this.#cut;
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(way(from, to)) || this.#severed.has(way(from, to));
  }

  /** One direction. */
  cut(from: string, to: string): void {
    this.#cut.add(way(from, to));
    this.apply();
    this.#giveUpLater(from, to);
  }

  mend(from: string, to: string): void {
    this.#cut.delete(way(from, to));
    this.apply();
  }

  /** One direction, whatever is mended or healed. */
  sever(from: string, to: string): void {
    this.#severed.add(way(from, to));
    this.cut(from, to);
  }

  slow(from: string, to: string, ms: number): void {
    if (ms === 0) this.#slowMs.delete(way(from, to));
    else this.#slowMs.set(way(from, to), ms);
    this.apply();
  }

  healAll(): void {
    this.#cut.clear();
    this.#slowMs.clear();
    this.apply();
  }

  reset(one: string, other: string): void {
    this.#place(one).host.network.reset(other);
  }

  /** After a machine began another life, stood still, or went on. */
  apply(): void {
    for (const from of this.#places)
      for (const to of this.#places) {
        if (from === to) continue;
        const key = way(from.hostName, to.hostName);
        const slowMs = this.#slowMs.get(key) ?? 0;
        const stalled = this.isCut(from.hostName, to.hostName) || from.frozen || to.frozen;
        const delayMs = (): number => this.#baseMs * (1 + this.#random.below(1000) / 1000) + slowMs * (this.#random.below(1000) / 1000);
        from.host.network.trouble({ delayMs, stalled }, to.hostName);
      }
  }

  /** A process that stands still answers no keepalive. */
  frozen(hostName: string): void {
    this.apply();
    for (const { hostName: other } of this.#places) if (other !== hostName) this.#giveUpLater(hostName, other);
  }

  #giveUpLater(from: string, to: string): void {
    const { clock, network } = this.#place(from).host;
    const afterMs = SILENCE_MS - this.#random.below(1000);
    clock.after(afterMs, () => {
      const place = this.#places.find(({ hostName }) => hostName === from);
      if (place?.host.network !== network) return;
      if (this.isCut(from, to) || this.#place(from).frozen || this.#place(to).frozen) network.reset(to);
    });
  }

  #place(name: string): Place {
    const place = this.#places.find(({ hostName }) => hostName === name);
    if (place === undefined) throw new Error(`There is no machine ${name} in this cluster`);
    return place;
  }
}

function way(from: string, to: string): string {
  return `${from}>${to}`;
}
