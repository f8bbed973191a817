import type { Clock, Host, Logger } from "@ottla/host";
import { LogDamagedError, LogDirectory, LogFailedError, type Log, type LogSettings } from "@ottla/log";
import { batches, decodeBatchSync, encodeBatchSync } from "@ottla/protocol";
import { assert, type Entry, type LogPosition, type VoterSet } from "../raft/index.ts";
import { DamagedControllerError } from "./damaged.ts";
import { decodeVoters, encodeVoters } from "./messages.ts";

const CACHE_BYTES = 1 << 20;
const MAX_OPEN_FILES = 16;
/** Stands as the producer id of an entry that sets the voters, so that opening finds those entries by their headers. */
const SETS_VOTERS = 1;
const SETTINGS: LogSettings = {
  segmentBytes: 16 << 20,
  segmentMs: Number.MAX_SAFE_INTEGER,
  indexIntervalBytes: 4096,
  retentionMs: -1,
  retentionBytes: -1,
  flush: { kind: "commit" },
};

export interface EntryLogOptions {
  readonly host: Host;
  readonly directory: string;
  readonly logger: Logger;
  onFatal(error: Error): void;
  /** More is durable, or the log failed. */
  onProgress(): void;
}

/** Raft entries on the log engine: the entry with index i is the one record of the batch at offset i - 1, its term the leader epoch. */
export class EntryLog {
  readonly #directory: LogDirectory;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Where each term began in the log as it was opened. */
  terms: readonly LogPosition[] = [];
  /** Those that entries of the log named as it was opened. */
  voterSets: readonly VoterSet[] = [];

  private constructor(directory: LogDirectory, log: Log, clock: Clock) {
    this.#directory = directory;
    this.#log = log;
    this.#clock = clock;
  }

  static async open(options: EntryLogOptions): Promise<EntryLog> {
    const logs = await openDirectory(options);
    try {
      const log = await logs.openLog("entries", SETTINGS, () => options.onProgress());
      const entries = new EntryLog(logs, log, options.host.clock);
      await entries.#verify();
      return entries;
    } catch (error) {
      await logs.close();
      throw error;
    }
  }

  get path(): string {
    return this.#log.directory;
  }
  get firstIndex(): number {
    return this.#log.startOffset + 1;
  }
  get lastIndex(): number {
    return this.#log.endOffset;
  }
  get durableIndex(): number {
    return this.#log.durableOffset;
  }
  /** Set while the log takes no entries, because a write failed. */
  get failure(): Error | null {
    return this.#log.failure;
  }
  /** Whether `reopen` can help, once the cause is gone. After a failed sync nothing does. */
  get reopenable(): boolean {
    const { failure } = this.#log;
    return failure instanceof LogFailedError && failure.reason !== "SYNC" && failure.reason !== "CLOSED";
  }
  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }

  append(entry: Entry): void {
    const { data, voters } = entry;
    const key = voters === null ? null : encodeVoters(voters);
    const batch = encodeBatchSync(
      [{ key, value: data, timestamp: this.#clock.wallMs() }],
      voters === null ? {} : { producerId: SETS_VOTERS },
    );
    const { baseOffset } = this.#log.append(batch, entry.term);
    assert(baseOffset === entry.index - 1, () => `entry ${entry.index} went to offset ${baseOffset} of ${this.#log.directory}`);
  }

  reopen(): Promise<void> {
    return this.#log.reopen();
  }

  truncateFrom(index: number): Promise<void> {
    return this.#log.truncateTo(index - 1);
  }

  /** Entries from `from` to `until` (excluded), at least one; none when the first is no longer there. */
  async read(from: number, until: number, maxBytes: number): Promise<Entry[]> {
    if (from < this.firstIndex) return [];
    const { parts } = await this.#log.read({ from: from - 1, until: until - 1, maxBytes });
    const entries = parts.flatMap((part) => decodeEntries(part, this.#log.directory));
    assert(entries[0]?.index === from, () => `read entry ${entries[0]?.index} of ${this.#log.directory} instead of ${from}`);
    return entries;
  }

  /** Removes the entries before `index`. */
  trim(index: number): Promise<void> {
    return this.#log.deleteRecordsTo(index - 1);
  }

  /** Drops everything; the next entry has the index after `last`. */
  async resetTo(last: number): Promise<void> {
    await this.#log.resetTo(last);
    this.terms = [];
    this.voterSets = [];
  }

  close(): Promise<void> {
    return this.#directory.close();
  }

  async #verify(): Promise<void> {
    const { terms, voterEntries } = await verify(this.#log);
    const sets: VoterSet[] = [];
    for (const index of voterEntries) {
      for (const { voters } of await this.read(index, index + 1, 1)) if (voters !== null) sets.push({ index, voters });
    }
    this.terms = terms;
    this.voterSets = sets;
  }
}

function decodeEntries(part: Uint8Array, directory: string): Entry[] {
  const entries: Entry[] = [];
  for (const { header, bytes } of batches(part)) {
    const [record, ...more] = decodeBatchSync(bytes);
    assert(
      record?.value != null && more.length === 0,
      () => `the batch at offset ${header.baseOffset} of ${directory} is not one Raft entry`,
    );
    const voters = record.key === null ? null : decodeVoters(record.key);
    entries.push({ index: header.baseOffset + 1, term: header.leaderEpoch, data: record.value.slice(), voters });
  }
  return entries;
}

/** What can be read of a log that may be damaged, from the entry after `after` on up to the first that cannot.
 * @returns also the index at which the log ends */
export async function salvageEntries(options: EntryLogOptions, after: number): Promise<{ entries: Entry[]; lastIndex: number }> {
  const directory = await openDirectory(options);
  try {
    const log = await directory.openLog("entries", SETTINGS, () => {});
    const entries: Entry[] = [];
    const lastIndex = log.endOffset;
    if (log.startOffset > after) return { entries, lastIndex };
    for (let from = after; from < lastIndex;) {
      const read = await log.read({ from, until: lastIndex, maxBytes: 1 << 20 }).catch((error: unknown) => {
        if (error instanceof LogDamagedError) return null;
        throw error;
      });
      if (read === null) break;
      entries.push(...read.parts.flatMap((part) => decodeEntries(part, log.directory)));
      from = read.nextOffset;
    }
    return { entries, lastIndex };
  } finally {
    await directory.close();
  }
}

function openDirectory({ host, directory, logger, onFatal }: EntryLogOptions): Promise<LogDirectory> {
  return LogDirectory.open({
    disk: host.disk,
    clock: host.clock,
    random: host.random,
    directory,
    cacheBytes: CACHE_BYTES,
    maxOpenFiles: MAX_OPEN_FILES,
    minFreeBytes: -1,
    logger,
    onFatal,
    appendsMayUseReserve: true,
  });
}

/** Reads every entry before the first vote: bits go bad while a process is down, and a voter may only promise what it can still read. */
async function verify(log: Log): Promise<{ terms: LogPosition[]; voterEntries: number[] }> {
  const [known] = log.damaged;
  if (known !== undefined) throw damaged(known);
  const terms: LogPosition[] = [];
  const voterEntries: number[] = [];
  let index = log.startOffset;
  try {
    for await (const { baseOffset, lastOffset, leaderEpoch, producerId } of log.headers(log.startOffset)) {
      index++;
      if (producerId === SETS_VOTERS) voterEntries.push(index);
      const term = terms.at(-1)?.term ?? 0;
      if (baseOffset !== index - 1 || lastOffset !== baseOffset || leaderEpoch < term)
        throw new DamagedControllerError(
          `Cannot start the controller: offsets ${baseOffset} to ${lastOffset} of term ${leaderEpoch} in ${log.directory} stand where entry ${index} of term ${term} or later belongs. ${REMEDY}`,
        );
      if (leaderEpoch > term) terms.push({ index, term: leaderEpoch });
    }
  } catch (error) {
    throw error instanceof LogDamagedError ? damaged(error) : error;
  }
  assert(index === log.endOffset, () => `read entries to ${index} of ${log.endOffset} in ${log.directory}`);
  return { terms, voterEntries };
}

const REMEDY =
  "Restore the file from a copy; or, where other controllers hold the same entries, remove this node's controller directory so that it returns as a new voter";

function damaged(range: { readonly file: string; readonly from: number; readonly until: number }): Error {
  return new DamagedControllerError(
    `Cannot start the controller: entries ${range.from + 1} to ${range.until} of its log are damaged in ${range.file}, and it had promised to keep them. ${REMEDY}`,
  );
}
