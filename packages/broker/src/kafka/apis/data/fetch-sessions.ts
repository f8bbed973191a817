import type { Clock, Random } from "@ottla/host";
import { FetchSession, type WantedPartition } from "./fetch-session.ts";

/** A session may give way after so long without use, or, to one with more partitions, at this age (KIP-227). */
const GIVES_WAY_MS = 120_000;
/** Over all sessions: some 15 MB, 60 MB when every topic's name is as long as can be. */
const PARTITIONS_MAX = 100_000;
const LARGEST_ID = 2_147_483_647;

/** The fetch sessions of a broker, in a bounded number: a client that gets none says all it wants in each request. */
export class FetchSessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #slots: number;
  readonly #partitionsMax: number;
  /** The one unused longest first. */
  readonly #sessions = new Map<number, FetchSession>();
  #partitions = 0;

  constructor(options: { clock: Clock; random: Random; slots: number; partitionsMax?: number }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#slots = options.slots;
    this.#partitionsMax = options.partitionsMax ?? PARTITIONS_MAX;
  }

  get(id: number): FetchSession | undefined {
    return this.#sessions.get(id);
  }

  /** @returns its id, 0 when there is no room */
  create(byIds: boolean, wanted: readonly WantedPartition[]): number {
    const nowMs = this.#clock.monotonicMs();
    if (wanted.length === 0 || !this.#makeRoom(wanted.length, nowMs)) return 0;
    let id: number;
    do id = 1 + this.#random.below(LARGEST_ID);
    while (this.#sessions.has(id));
    const session = new FetchSession(id, byIds, nowMs, wanted);
    this.#sessions.set(id, session);
    this.#partitions += session.size;
    return id;
  }

  /** Changes a session, and makes it the one used last.
   * @returns false when it has grown beyond the room for it, and is gone */
  use(session: FetchSession, change: () => void): boolean {
    this.#partitions -= session.size;
    this.#sessions.delete(session.id);
    change();
    if (this.#partitions + session.size > this.#partitionsMax) return false;
    this.#partitions += session.size;
    this.#sessions.set(session.id, session);
    session.lastUsedMs = this.#clock.monotonicMs();
    return true;
  }

  remove(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#partitions -= session.size;
  }

  /** Sessions unused for long give way to any other; else the smallest of those that are old gives way to a larger one. */
  #makeRoom(partitions: number, nowMs: number): boolean {
    for (const session of this.#sessions.values()) {
      if (this.#hasRoom(partitions) || nowMs - session.lastUsedMs <= GIVES_WAY_MS) break;
      this.remove(session.id);
    }
    if (this.#hasRoom(partitions)) return true;
    let smallest: FetchSession | null = null;
    for (const session of this.#sessions.values()) {
      const old = nowMs - session.createdMs > GIVES_WAY_MS;
      if (old && session.size < partitions && session.size < (smallest?.size ?? Infinity)) smallest = session;
    }
    if (smallest !== null) this.remove(smallest.id);
    return this.#hasRoom(partitions);
  }

  #hasRoom(partitions: number): boolean {
    return this.#sessions.size < this.#slots && this.#partitions + partitions <= this.#partitionsMax;
  }
}
