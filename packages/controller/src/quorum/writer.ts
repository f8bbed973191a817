import { delay, type Clock, type Logger } from "@ottla/host";
import type { Entry, Persist } from "../raft/index.ts";
import type { EntryLog } from "./entry-log.ts";
import type { Vote, VoteFile } from "./vote-file.ts";

const REOPEN_MS = 500;

interface Pending {
  readonly id: number;
  readonly sinceMs: number;
  readonly truncateFrom: number | null;
  readonly entries: readonly Entry[];
  voteSaved: boolean;
  /** Cut where it had to be, and given to the log. */
  appended: boolean;
  /** Durable up to here means that its entries are on disk; lowered when a later write cuts them off. */
  lastIndex: number;
}

export interface WriterOptions {
  readonly votes: VoteFile;
  readonly log: EntryLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Everything up to the persist with this id is on disk. */
  onPersisted(id: number): void;
  onFatal(error: Error): void;
}

/** Carries out persists. The vote file and the log are written side by side; within each, order holds. Nobody waits here: completion comes back
 * through `onPersisted`, in order of id. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #stop = new AbortController();
  /** Not on disk yet; rising in id. */
  #pending: Pending[] = [];
  /** The newest vote that waits for the one being written; older ones need not be written any more. */
  #nextVote: { vote: Vote; id: number } | null = null;
  #savingVote: Promise<void> | null = null;
  /** A truncation, or the wait for a full disk: appends queue behind it. */
  #holdingUp: Promise<void> | null = null;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** How long the oldest write that is not on disk has been waiting. */
  get waitingMs(): number {
    const [oldest] = this.#pending;
    return oldest === undefined ? 0 : this.#options.clock.monotonicMs() - oldest.sinceMs;
  }

  save(persist: Persist): void {
    const { id, vote, truncateFrom, entries } = persist;
    if (truncateFrom !== null) for (const earlier of this.#pending) earlier.lastIndex = Math.min(earlier.lastIndex, truncateFrom - 1);
    const sinceMs = this.#options.clock.monotonicMs();
    this.#pending.push({
      id,
      sinceMs,
      truncateFrom,
      entries,
      voteSaved: vote === null,
      appended: false,
      lastIndex: entries.at(-1)?.index ?? 0,
    });
    if (vote !== null) this.#saveVote(vote, id);
    this.#append();
  }

  /** The log made progress, or failed. */
  check(): void {
    const { log, onPersisted } = this.#options;
    if (log.failure !== null) {
      this.#holdingUp ??= this.#goOnAfter(this.#reopen());
      return;
    }
    let done: number | null = null;
    for (let head = this.#pending[0]; head !== undefined; head = this.#pending[0]) {
      if (!head.voteSaved || !head.appended || head.lastIndex > log.durableIndex) break;
      done = head.id;
      this.#pending.shift();
    }
    if (done !== null) onPersisted(done);
  }

  /** Begins nothing more; resolves once nothing is under way that the log's own closing does not wait for. */
  async close(): Promise<void> {
    this.#stop.abort();
    while (this.#savingVote !== null || this.#holdingUp !== null) await Promise.all([this.#savingVote, this.#holdingUp]);
  }

  #append(): void {
    for (const pending of this.#pending) {
      if (this.#holdingUp !== null) return;
      if (pending.appended) continue;
      const { truncateFrom } = pending;
      if (truncateFrom !== null && truncateFrom <= this.#options.log.lastIndex) {
        this.#holdingUp = this.#goOnAfter(this.#options.log.truncateFrom(truncateFrom));
        return;
      }
      pending.appended = true;
      this.#appendMissing(pending);
    }
  }

  /** Appends what the log does not hold yet, or does not hold any more. */
  #appendMissing({ entries, lastIndex }: Pending): void {
    const { log } = this.#options;
    for (const entry of entries) {
      if (log.failure !== null) return;
      if (entry.index > log.lastIndex && entry.index <= lastIndex) log.append(entry);
    }
  }

  async #goOnAfter(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.#options.log.failure === null && !this.#stop.signal.aborted) this.#fail(error);
    } finally {
      this.#holdingUp = null;
    }
    if (this.#stop.signal.aborted) return;
    this.#append();
    this.check();
  }

  /** An append failed, most likely because the disk is full. The log took back what it had not written; that is still in memory here and is written
   * again once there is space. */
  async #reopen(): Promise<void> {
    const { log, clock, logger } = this.#options;
    logger.warn({ error: log.failure }, "the controller's log cannot be written; commands wait until it can");
    while (log.failure !== null) {
      if (!log.reopenable) return this.#fail(log.failure);
      await delay(clock, REOPEN_MS, this.#stop.signal);
      await log.reopen().catch(() => {});
      for (const pending of this.#pending) if (pending.appended) this.#appendMissing(pending);
    }
    logger.info({ lastIndex: log.lastIndex }, "the controller's log is written again");
  }

  #saveVote(vote: Vote, id: number): void {
    this.#nextVote = { vote, id };
    this.#savingVote ??= this.#saveVotes();
  }

  async #saveVotes(): Promise<void> {
    try {
      for (let next = this.#nextVote; next !== null; next = this.#nextVote) {
        this.#nextVote = null;
        await this.#options.votes.save(next.vote);
        for (const pending of this.#pending) if (pending.id <= next.id) pending.voteSaved = true;
        if (!this.#stop.signal.aborted) this.check();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#savingVote = null;
    }
  }

  #fail(error: unknown): void {
    this.#stop.abort();
    this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }
}
