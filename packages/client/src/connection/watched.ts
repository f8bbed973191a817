interface Watched {
  watchers: number;
  /** Of them those who want it created if it is missing. */
  creators: number;
}

/** The topics that somebody wants to be kept fresh. */
export class WatchedTopics {
  readonly #topics = new Map<string, Watched>();

  get size(): number {
    return this.#topics.size;
  }

  get names(): Iterable<string> {
    return this.#topics.keys();
  }

  has(name: string): boolean {
    return this.#topics.has(name);
  }

  /** Those that brokers may create, or the others. */
  wanted(create: boolean): string[] {
    return [...this.#topics].filter(([, { creators }]) => creators > 0 === create).map(([name]) => name);
  }

  /** Until the returned function is called, which tells whether that was the last one. */
  add(name: string, create: boolean): () => boolean {
    const entry = this.#topics.get(name) ?? { watchers: 0, creators: 0 };
    this.#topics.set(name, entry);
    entry.watchers++;
    if (create) entry.creators++;
    let watching = true;
    return () => {
      if (!watching) return false;
      watching = false;
      if (create) entry.creators--;
      if (--entry.watchers > 0) return false;
      this.#topics.delete(name);
      return true;
    };
  }
}
