/** Memory that requests share, in bytes. Who finds too little waits in line; one that wants more than there is gets all of it. */
export class ByteBudget {
  readonly limit: number;
  #used = 0;
  #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Somebody waits for what others hold. */
  get contended(): boolean {
    return this.#waiting.length > 0;
  }

  /** @returns what was taken and must be given back */
  tryTake(bytes: number): number | null {
    const taken = Math.min(bytes, this.limit);
    if (this.#waiting.length > 0 || this.#used + taken > this.limit) return null;
    this.#used += taken;
    return taken;
  }

  /** Takes it whether it is there or not: for who holds a part already, and must not wait for others that do.
   * @returns what was taken and must be given back */
  overdraw(bytes: number): number {
    const taken = Math.min(bytes, this.limit);
    this.#used += taken;
    return taken;
  }

  /** @returns what was taken and must be given back */
  async take(bytes: number, signal: AbortSignal): Promise<number> {
    const taken = this.tryTake(bytes);
    if (taken !== null) return taken;
    const wanted = Math.min(bytes, this.limit);
    await new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = (): void => {
        this.#waiting = this.#waiting.filter((each) => each !== entry);
        this.#serve();
        reject(signal.reason);
      };
      const entry = { bytes: wanted, resolve: () => (signal.removeEventListener("abort", abort), resolve()) };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.push(entry);
    });
    return wanted;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#serve();
  }

  #serve(): void {
    while (this.#waiting[0] !== undefined && this.#used + this.#waiting[0].bytes <= this.limit) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#used += next.bytes;
      next.resolve();
    }
  }
}
