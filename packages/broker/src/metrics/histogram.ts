/** Upper bounds in milliseconds, from a read out of memory to a request that waits for its deadline. */
const BOUNDS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000] as const;

/** Observations in fixed buckets: one costs a short search and two additions. */
export class Histogram {
  readonly #counts = new Array<number>(BOUNDS.length + 1).fill(0);
  #sum = 0;
  #count = 0;

  observe(ms: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && ms > (BOUNDS[bucket] ?? Infinity)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += ms;
    this.#count++;
  }

  sample(): { buckets: (readonly [number, number])[]; sum: number; count: number } {
    let below = 0;
    const buckets = BOUNDS.map((bound, i) => [bound, (below += this.#counts[i] ?? 0)] as const);
    return { buckets, sum: this.#sum, count: this.#count };
  }
}
