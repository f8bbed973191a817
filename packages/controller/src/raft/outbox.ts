import { assert } from "./assert.ts";
import type { Effects, Entry, Envelope, Load, Message, ReadAnswer, Suspension, Voter } from "./types.ts";

/** Gathers what one step owes, and knows which of the writes handed out are still on their way. */
export class Outbox {
  #nextPersistId = 1;
  /** Handed out and not yet persisted, rising in id. `lastIndex` is the last entry written by it, 0 without one. */
  #writing: { readonly id: number; readonly vote: boolean; lastIndex: number }[] = [];

  #vote: { readonly term: number; readonly votedFor: Voter | null } | null = null;
  #truncateFrom: number | null = null;
  #entries: Entry[] = [];
  #messages: Envelope[] = [];
  #promises: Envelope[] = [];
  #loads: Load[] = [];
  #snapshots: Voter[] = [];
  #reads: ReadAnswer[] = [];
  #transferUndone = false;
  #suspended: Suspension | null = null;
  #lost: number | null = null;

  /** The newest term or vote is not on disk. */
  get votePending(): boolean {
    return this.#vote !== null || this.#writing.some((write) => write.vote);
  }

  vote(term: number, votedFor: Voter | null): void {
    this.#vote = { term, votedFor };
  }

  append(entries: readonly Entry[]): void {
    this.#entries.push(...entries);
  }

  truncateFrom(index: number): void {
    assert(this.#entries.length === 0 && this.#truncateFrom === null, () => `second truncation in one step, at ${index}`);
    this.#truncateFrom = index;
    for (const write of this.#writing) write.lastIndex = Math.min(write.lastIndex, index - 1);
  }

  send(to: Voter, message: Message): void {
    this.#messages.push({ to, message });
  }

  /** Sends once everything handed out up to the end of this step is on disk. */
  promise(to: Voter, message: Message): void {
    this.#promises.push({ to, message });
  }

  load(load: Load): void {
    this.#loads.push(load);
  }

  snapshot(peer: Voter): void {
    this.#snapshots.push(peer);
  }

  transferUndone(): void {
    this.#transferUndone = true;
  }

  suspended(suspension: Suspension): void {
    this.#suspended = suspension;
  }

  answer(read: ReadAnswer): void {
    this.#reads.push(read);
  }

  lost(term: number): void {
    this.#lost = term;
  }

  /** The last entry that these writes put on disk, 0 without one. */
  persisted(id: number): number {
    let lastIndex = 0;
    for (let write = this.#writing[0]; write !== undefined && write.id <= id; write = this.#writing[0]) {
      lastIndex = Math.max(lastIndex, write.lastIndex);
      this.#writing.shift();
    }
    return lastIndex;
  }

  /** Hands everything out. */
  take(committed: Effects["committed"], leading: Effects["leading"]): Effects {
    const unwritten = this.#unsaved || this.#writing.length > 0;
    const effects: Effects = {
      persist: this.#unsaved
        ? {
            id: this.#nextPersistId++,
            vote: this.#vote,
            truncateFrom: this.#truncateFrom,
            entries: this.#entries,
          }
        : null,
      messages: unwritten ? this.#messages : [...this.#messages, ...this.#promises],
      promises: unwritten ? this.#promises : [],
      loads: this.#loads,
      snapshots: this.#snapshots,
      lost: this.#lost,
      committed,
      leading,
      reads: this.#reads,
      transferUndone: this.#transferUndone,
      suspended: this.#suspended,
    };
    if (effects.persist !== null) {
      const { id, vote, entries } = effects.persist;
      this.#writing.push({ id, vote: vote !== null, lastIndex: entries.at(-1)?.index ?? 0 });
    }
    this.#vote = null;
    this.#truncateFrom = null;
    this.#entries = [];
    this.#messages = [];
    this.#promises = [];
    this.#loads = [];
    this.#snapshots = [];
    this.#reads = [];
    this.#transferUndone = false;
    this.#suspended = null;
    this.#lost = null;
    return effects;
  }

  get #unsaved(): boolean {
    return this.#vote !== null || this.#truncateFrom !== null || this.#entries.length > 0;
  }
}
