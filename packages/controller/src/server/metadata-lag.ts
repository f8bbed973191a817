/** A broker is behind when it lacks what was committed before that. */
const BEHIND_MS = 1000;

/** Which brokers follow the cluster too far behind to lead: their clients would be told of a cluster that is no more. */
export class MetadataLag {
  readonly #applied = new Map<number, number>();
  /** What was committed at the ticks of the last while, oldest first. */
  readonly #history: { readonly atMs: number; readonly index: number }[] = [];
  readonly #lagging = new Set<number>();
  readonly #heartbeatMs: number;

  /** @param heartbeatMs how old what a broker said of itself may be */
  constructor(heartbeatMs: number) {
    this.#heartbeatMs = heartbeatMs;
  }

  get lagging(): ReadonlySet<number> {
    return this.#lagging;
  }

  applied(nodeId: number, index: number): void {
    this.#applied.set(nodeId, Math.max(index, this.#applied.get(nodeId) ?? 0));
  }

  /** A later incarnation begins with nothing. */
  forget(nodeId: number): void {
    this.#applied.delete(nodeId);
    this.#lagging.delete(nodeId);
  }

  tick(nowMs: number, committedIndex: number): void {
    this.#history.push({ atMs: nowMs, index: committedIndex });
    const dueMs = nowMs - BEHIND_MS - this.#heartbeatMs;
    while ((this.#history[1]?.atMs ?? Infinity) <= dueMs) this.#history.shift();
    const [oldest] = this.#history;
    const due = oldest && oldest.atMs <= dueMs ? oldest.index : 0;
    for (const [nodeId, index] of this.#applied) {
      if (index < due) this.#lagging.add(nodeId);
      else this.#lagging.delete(nodeId);
    }
  }

  clear(): void {
    this.#applied.clear();
    this.#lagging.clear();
    this.#history.length = 0;
  }
}
