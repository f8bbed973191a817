/** Latencies in buckets of 0.1 ms up to 10 s: constant memory however long the run. */
export class Latencies {
  readonly #counts = new Uint32Array(100_001);
  #total = 0;
  #maxMs = 0;

  add(ms: number): void {
    const bucket = Math.min(this.#counts.length - 1, Math.floor(ms * 10));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  /** The upper end of the bucket below which `share` of all lie. */
  quantile(share: number): number {
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket += 1) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= share * this.#total) return (bucket + 1) / 10;
    }
    return this.#maxMs;
  }

  summary(): { p50: number; p99: number; max: number } {
    return { p50: this.quantile(0.5), p99: this.quantile(0.99), max: Math.round(this.#maxMs * 10) / 10 };
  }
}
