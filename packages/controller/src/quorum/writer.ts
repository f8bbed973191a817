import { assert, type Persist } from "../raft/index.ts";
import type { EntryLog } from "./entry-log.ts";
import type { Vote, VoteFile } from "./vote-file.ts";

interface Pending {
  readonly id: number;
  voteSaved: boolean;
  appended: boolean;
  /** Durable up to here means that its entries are on disk; lowered when a later write cuts them off. */
  lastIndex: number;
}

/** Carries out persists. The vote file and the log are written side by side; within each, order holds. Nobody waits here: completion comes back
 * through `onPersisted`, in order of id. */
export class Writer {
  readonly #votes: VoteFile;
  readonly #log: EntryLog;
  readonly #onPersisted: (id: number) => void;
  readonly #onFatal: (error: Error) => void;
  #pending: Pending[] = [];
  /** The newest vote that waits for the one being written; older ones need not be written any more. */
  #nextVote: { vote: Vote; id: number } | null = null;
  #savingVote: Promise<void> | null = null;
  /** Persists that wait for a truncation. */
  #waiting: { persist: Persist; pending: Pending }[] = [];
  #truncating: Promise<void> | null = null;

  constructor(votes: VoteFile, log: EntryLog, onPersisted: (id: number) => void, onFatal: (error: Error) => void) {
    this.#votes = votes;
    this.#log = log;
    this.#onPersisted = onPersisted;
    this.#onFatal = onFatal;
  }

  save(persist: Persist): void {
    const pending: Pending = {
      id: persist.id,
      voteSaved: persist.vote === null,
      appended: false,
      lastIndex: persist.entries.at(-1)?.index ?? 0,
    };
    const { truncateFrom } = persist;
    if (truncateFrom !== null) for (const earlier of this.#pending) earlier.lastIndex = Math.min(earlier.lastIndex, truncateFrom - 1);
    this.#pending.push(pending);
    if (persist.vote !== null) this.#saveVote(persist.vote, persist.id);
    this.#waiting.push({ persist, pending });
    this.#append();
  }

  /** The log made progress. */
  check(): void {
    let done: number | null = null;
    for (let head = this.#pending[0]; head !== undefined; head = this.#pending[0]) {
      if (!head.voteSaved || !head.appended || head.lastIndex > this.#log.durableIndex) break;
      done = head.id;
      this.#pending.shift();
    }
    if (done !== null) this.#onPersisted(done);
  }

  /** Resolves once nothing is under way that the log's own closing does not wait for. */
  async settle(): Promise<void> {
    while (this.#savingVote !== null || this.#truncating !== null) await Promise.all([this.#savingVote, this.#truncating]);
  }

  #append(): void {
    if (this.#truncating !== null) return;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { persist, pending } = next;
      this.#waiting.shift();
      if (persist.truncateFrom !== null) {
        this.#truncating = this.#truncate(persist, pending);
        return;
      }
      this.#appendEntries(persist, pending);
    }
  }

  #appendEntries(persist: Persist, pending: Pending): void {
    try {
      for (const entry of persist.entries) this.#log.append(entry);
      pending.appended = true;
    } catch (error) {
      this.#onFatal(asError(error));
    }
  }

  async #truncate(persist: Persist, pending: Pending): Promise<void> {
    assert(persist.truncateFrom !== null, () => `persist ${persist.id} truncates nothing`);
    try {
      await this.#log.truncateFrom(persist.truncateFrom);
    } catch (error) {
      return this.#onFatal(asError(error));
    } finally {
      this.#truncating = null;
    }
    this.#appendEntries(persist, pending);
    this.#append();
    this.check();
  }

  #saveVote(vote: Vote, id: number): void {
    this.#nextVote = { vote, id };
    this.#savingVote ??= this.#saveVotes();
  }

  async #saveVotes(): Promise<void> {
    try {
      for (let next = this.#nextVote; next !== null; next = this.#nextVote) {
        this.#nextVote = null;
        await this.#votes.save(next.vote);
        for (const pending of this.#pending) if (pending.id <= next.id) pending.voteSaved = true;
        this.check();
      }
    } catch (error) {
      this.#onFatal(asError(error));
    } finally {
      this.#savingVote = null;
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
