interface Watched<Session> {
  readonly brokerEpoch: number;
  /** On the liveness clock. */
  readonly deadlineMs: number;
  readonly session: Session | null;
}

/** Which brokers still speak with the controller. Time in which this process could not run is charged to nobody: a tick that comes late by d
 * extends every session by d, once. */
export class Liveness<Session> {
  readonly #sessionTimeoutMs: number;
  readonly #tickMs: number;
  readonly #brokers = new Map<number, Watched<Session>>();
  #lastTickMs: number;
  #lateMs = 0;

  constructor(sessionTimeoutMs: number, tickMs: number, nowMs: number) {
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#tickMs = tickMs;
    this.#lastTickMs = nowMs;
  }

  /** Ticks come from now on: that none came before, while another controller led, is no lateness. */
  begin(nowMs: number): void {
    this.#lastTickMs = nowMs;
  }

  heard(nodeId: number, brokerEpoch: number, session: Session, nowMs: number): void {
    this.#brokers.set(nodeId, { brokerEpoch, session, deadlineMs: nowMs - this.#lateMs + this.#sessionTimeoutMs });
  }

  /** Expects a broker of which nothing was heard here yet. */
  expect(nodeId: number, brokerEpoch: number, withinMs: number, nowMs: number): void {
    if (this.#brokers.get(nodeId)?.brokerEpoch !== brokerEpoch)
      this.#brokers.set(nodeId, { brokerEpoch, session: null, deadlineMs: nowMs - this.#lateMs + withinMs });
  }

  /** The session ended: the broker keeps the rest of its time to come back. */
  closed(session: Session): { nodeId: number; brokerEpoch: number } | null {
    for (const [nodeId, watched] of this.#brokers) {
      if (watched.session !== session) continue;
      this.#brokers.set(nodeId, { ...watched, session: null });
      return { nodeId, brokerEpoch: watched.brokerEpoch };
    }
    return null;
  }

  sessionOf(nodeId: number): Session | null {
    return this.#brokers.get(nodeId)?.session ?? null;
  }

  forget(nodeId: number): void {
    this.#brokers.delete(nodeId);
  }

  clear(): void {
    this.#brokers.clear();
  }

  /** @returns brokers that were silent for too long; they are watched no more */
  tick(nowMs: number): { nodeId: number; brokerEpoch: number; session: Session | null }[] {
    const sinceLastMs = nowMs - this.#lastTickMs;
    if (sinceLastMs > 2 * this.#tickMs) this.#lateMs += sinceLastMs - this.#tickMs;
    this.#lastTickMs = nowMs;
    const silent = [...this.#brokers].filter(([, { deadlineMs }]) => deadlineMs <= nowMs - this.#lateMs);
    for (const [nodeId] of silent) this.#brokers.delete(nodeId);
    return silent.map(([nodeId, { brokerEpoch, session }]) => ({ nodeId, brokerEpoch, session }));
  }
}
