import type { Clock, Host, Logger } from "@ottla/host";
import { LogDirectory, type Log, type LogSettings } from "@ottla/log";
import { batches, decodeBatchSync, encodeBatchSync } from "@ottla/protocol";
import { assert, type Entry, type LogPosition } from "../raft/index.ts";

const CACHE_BYTES = 1 << 20;
const MAX_OPEN_FILES = 16;
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

  private constructor(directory: LogDirectory, log: Log, clock: Clock) {
    this.#directory = directory;
    this.#log = log;
    this.#clock = clock;
  }

  static async open(options: EntryLogOptions): Promise<EntryLog> {
    const { host, directory, logger, onFatal } = options;
    const logs = await LogDirectory.open({
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
    try {
      const log = await logs.openLog("entries", SETTINGS, () => options.onProgress());
      refuseDamage(log);
      return new EntryLog(logs, log, host.clock);
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
  get failure(): Error | null {
    return this.#log.failure;
  }
  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }

  /** Where each term begins. */
  terms(): LogPosition[] {
    const log = this.#log;
    const starts: LogPosition[] = [];
    for (let offset = log.startOffset; offset < log.endOffset; ) {
      const term = log.epochAt(offset);
      assert(term !== null, () => `no leader epoch is known at offset ${offset} of ${log.directory}`);
      starts.push({ index: offset + 1, term });
      const end = log.epochEnd(term).endOffset;
      assert(end > offset, () => `leader epoch ${term} of ${log.directory} ends at ${end}, before offset ${offset}`);
      offset = end;
    }
    return starts;
  }

  append(entry: Entry): void {
    const batch = encodeBatchSync([{ key: null, value: entry.data, timestamp: this.#clock.wallMs() }]);
    const { baseOffset } = this.#log.append(batch, entry.term);
    assert(baseOffset === entry.index - 1, () => `entry ${entry.index} went to offset ${baseOffset} of ${this.#log.directory}`);
  }

  truncateFrom(index: number): Promise<void> {
    return this.#log.truncateTo(index - 1);
  }

  /** Entries from `from` to `until` (excluded), at least one; none when the first is no longer there. */
  async read(from: number, until: number, maxBytes: number): Promise<Entry[]> {
    if (from < this.firstIndex) return [];
    const { parts } = await this.#log.read({ from: from - 1, until: until - 1, maxBytes });
    const entries: Entry[] = [];
    for (const part of parts) {
      for (const { header, bytes } of batches(part)) {
        const [record, ...more] = decodeBatchSync(bytes);
        assert(record?.value != null && more.length === 0, () => `the batch at offset ${header.baseOffset} of ${this.#log.directory} is not one Raft entry`);
        entries.push({ index: header.baseOffset + 1, term: header.leaderEpoch, data: record.value.slice() });
      }
    }
    assert(entries[0]?.index === from, () => `read entry ${entries[0]?.index} of ${this.#log.directory} instead of ${from}`);
    return entries;
  }

  /** Removes the entries before `index`. */
  trim(index: number): Promise<void> {
    return this.#log.deleteRecordsTo(index - 1);
  }

  close(): Promise<void> {
    return this.#directory.close();
  }
}

function refuseDamage(log: Log): void {
  const damage = log.damaged[0];
  if (damage === undefined) return;
  throw new Error(
    `Cannot start the controller: entries ${damage.from + 1} to ${damage.until} of its log are damaged in ${damage.file}, and it had promised to keep them. ` +
      `Restore that file from a copy; or, where other controllers hold the same entries, remove this node's controller directory so that it returns as a new voter`,
  );
}
