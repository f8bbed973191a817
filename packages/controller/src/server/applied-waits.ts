interface Wait {
  readonly index: number;
  readonly nodes: Set<number>;
  readonly deadlineMs: number;
  readonly done: () => void;
}

/** Answers that wait until brokers have applied what they speak of. */
export class AppliedWaits {
  readonly #applied = new Map<number, number>();
  #waits: Wait[] = [];

  applied(nodeId: number, index: number): void {
    if (index <= (this.#applied.get(nodeId) ?? 0)) return;
    this.#applied.set(nodeId, index);
    for (const wait of this.#waits) if (wait.index <= index) wait.nodes.delete(nodeId);
    this.#finish((wait) => wait.nodes.size === 0);
  }

  /** A later incarnation begins with nothing. */
  forget(nodeId: number): void {
    this.#applied.delete(nodeId);
  }

  wait(index: number, nodes: Iterable<number>, deadlineMs: number, done: () => void): void {
    const missing = new Set([...nodes].filter((nodeId) => (this.#applied.get(nodeId) ?? 0) < index));
    if (missing.size === 0) done();
    else this.#waits.push({ index, nodes: missing, deadlineMs, done });
  }

  expire(nowMs: number): void {
    this.#finish((wait) => wait.deadlineMs <= nowMs);
  }

  clear(): void {
    this.#waits = [];
  }

  #finish(ended: (wait: Wait) => boolean): void {
    const done = this.#waits.filter(ended);
    if (done.length === 0) return;
    this.#waits = this.#waits.filter((wait) => !done.includes(wait));
    for (const wait of done) wait.done();
  }
}
