import { type BatchHeader, batches, ProtocolError } from "@ottla/protocol";
import { assert } from "../assert.ts";
import type { Mark } from "../directory/mark.ts";
import { LogFailedError } from "../errors.ts";
import { segmentName } from "../segment/segment.ts";
import type { LogSettings } from "../settings.ts";
import { Appender } from "./appender.ts";
import type { LogCore, Recovery } from "./core.ts";
import { raiseStart } from "./deletion.ts";
import type { EpochEnd } from "./epoch-cache.ts";
import { storeIndex } from "./indexing.ts";
import { Reader, type ReadOptions, type ReadResult } from "./reader.ts";
import { reopen } from "./reopen.ts";
import { reset } from "./reset.ts";
import { retainedFrom } from "./retention.ts";
import { firstAtOrAfter, type FoundBatch, withMaxTimestamp } from "./times.ts";
import { truncate } from "./truncate.ts";
import type { Writer } from "./writer.ts";

/** Offsets whose bytes had been made durable and do not verify. */
export interface DamagedOffsets {
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  readonly file: string;
}

const HEADERS_STEP_BYTES = 1 << 20;

/** An append-only log of record batches. Offsets are contiguous; batches are immutable once appended.
 *
 * What is appended goes through three states: in the log (`endOffset`), handed to the operating system (`writtenOffset`), durable
 * (`durableOffset`). A failed write or sync takes back what was not written and shuts the log to appends: see `failure`. */
export class Log {
  readonly #core: LogCore;
  readonly #appender: Appender;
  readonly #writer: Writer;
  readonly #reader: Reader;
  #closedClean = false;

  /** Made by {@link LogDirectory.openLog}. */
  constructor(core: LogCore) {
    this.#core = core;
    this.#appender = new Appender(core);
    this.#writer = this.#appender.writer;
    this.#reader = new Reader(core);
  }

  get name(): string {
    return this.#core.name;
  }

  /** Absolute path of the log's own directory, which is there from the first append on. */
  get directory(): string {
    return this.#core.path;
  }

  get startOffset(): number {
    return this.#core.startOffset;
  }

  /** Of the next batch. */
  get endOffset(): number {
    return this.#core.endOffset;
  }

  get writtenOffset(): number {
    return this.#core.writtenOffset;
  }

  get durableOffset(): number {
    return this.#core.durable.offset;
  }

  get sizeBytes(): number {
    return this.#core.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** Appended and not yet handed to the operating system. */
  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  /** The newest epoch, also one without a batch; -1 if there is none. */
  get lastEpoch(): number {
    return this.#core.epochs.last;
  }

  get failure(): Error | null {
    return this.#core.failure;
  }

  /** In order of offset, without what was given up. */
  get damaged(): readonly DamagedOffsets[] {
    return this.#core.damage
      .filter((range) => !range.accepted)
      .map(({ from, until, segmentBase }) => ({ from, until, file: `${this.#core.path}/${segmentName(segmentBase)}` }));
  }

  /** What was found when the log was opened. */
  get recovery(): Recovery {
    return this.#core.recovery;
  }

  /** Takes ownership of one whole batch, gives it the next offset and the leader epoch, and queues it; what is queued in a turn becomes one
   * write. Reads see it at once.
   * @param leaderEpoch not below that of the batch before
   * @throws LogFailedError after a failed write or sync */
  append(batch: Uint8Array, leaderEpoch: number): { baseOffset: number; lastOffset: number } {
    return this.#appender.append(batch, leaderEpoch);
  }

  /** Takes ownership of one whole batch of another replica's log, which must come next and keeps its offset and epoch, byte for byte.
   * @throws ProtocolError CORRUPT_MESSAGE: it does not verify or does not follow the batch before
   * @throws LogFailedError after a failed write or sync */
  replicate(batch: Uint8Array, header: BatchHeader): void {
    this.#appender.replicate(batch, header);
  }

  /** Resolves once all below `offset` is with the operating system: it survives the process.
   * @throws LogFailedError */
  written(offset: number): Promise<void> {
    return this.#writer.written(offset);
  }

  /** Resolves once all below `offset` survives a power failure. Under a policy other than `commit` somebody must ask for a flush.
   * @throws LogFailedError */
  durable(offset: number): Promise<void> {
    return this.#writer.syncer.durable(offset);
  }

  /** Makes durable what has been appended until now; joins what is under way.
   * @throws LogFailedError */
  flush(): Promise<void> {
    this.#writer.syncer.sync(this.endOffset);
    return this.durable(this.endOffset);
  }

  /** Whole batches from the one that holds `from`.
   * @throws ProtocolError OFFSET_OUT_OF_RANGE
   * @throws LogDamagedError */
  read(options: ReadOptions): Promise<ReadResult> {
    return this.#reader.read(options);
  }

  /** As {@link read}, of what is in memory and without waiting; null when the batch at `from` is not. */
  recent({ from, until, maxBytes }: ReadOptions): ReadResult | null {
    const { shared, cached, endOffset } = this.#core;
    const end = Math.min(until, endOffset);
    return from < end ? shared.cache.read(cached, from, end, maxBytes) : { parts: [], bytes: 0, nextOffset: from };
  }

  /** Of every batch from the one that holds `from` to the present end of the log.
   * @throws ProtocolError OFFSET_OUT_OF_RANGE
   * @throws LogDamagedError */
  async *headers(from: number): AsyncGenerator<BatchHeader, void, undefined> {
    const until = this.endOffset;
    for (let offset = from; offset < until;) {
      const { parts, nextOffset } = await this.#reader.read({ from: offset, until, maxBytes: HEADERS_STEP_BYTES });
      if (nextOffset === offset) return;
      for (const part of parts) for (const { header } of batches(part)) yield header;
      offset = nextOffset;
    }
  }

  /** The first batch below `until` whose largest timestamp is at or after `timestamp`. */
  offsetForTimestamp(timestamp: number, until: number): Promise<FoundBatch | null> {
    return firstAtOrAfter(this.#core, this.#reader, timestamp, Math.min(until, this.endOffset));
  }

  /** The first batch below `until` that holds the largest timestamp. */
  maxTimestamp(until: number): Promise<FoundBatch | null> {
    return withMaxTimestamp(this.#core, this.#reader, Math.min(until, this.endOffset));
  }

  /** Of the newest batch; -1 when the log holds none. */
  get lastBatchEpoch(): number {
    const { endOffset, startOffset, epochs } = this.#core;
    return endOffset === startOffset ? -1 : (epochs.at(endOffset - 1) ?? -1);
  }

  /** Where an epoch ends, for a follower that asks up to where it agrees: the largest epoch not above the one asked for, and its end.
   * Both -1 when the epoch is above all known. @see KIP-101, KIP-320 */
  epochEnd(epoch: number): EpochEnd {
    return this.#core.epochs.end(epoch, this.endOffset);
  }

  epochStart(epoch: number): number | null {
    return this.#core.epochs.start(epoch);
  }

  /** Which epoch the batch at an offset was written in. */
  epochAt(offset: number): number | null {
    return this.#core.epochs.at(offset);
  }

  /** A leader begins an epoch at the end of the log; resolves once that is durable. */
  async recordEpochStart(epoch: number): Promise<void> {
    const core = this.#core;
    if (epoch !== core.epochs.last) core.epochs.begin(epoch, this.endOffset);
    else if (core.stateSaving === null) return;
    await core.saveState();
  }

  /** Cuts the log before the batch that holds `offset`, durably. Nothing may be appended until it resolves. */
  truncateTo(offset: number): Promise<void> {
    return this.#cut(`at offset ${offset}`, (core) => {
      if (offset >= core.endOffset) return null;
      assert(offset >= core.startOffset, `cannot cut log ${core.name} at offset ${offset}: it starts at ${core.startOffset}`);
      return () => truncate(core, offset);
    });
  }

  /** Drops all that the log holds; it begins anew, and empty, at `offset`, durably. Nothing may be appended until it resolves. */
  resetTo(offset: number): Promise<void> {
    return this.#cut(`away, to begin anew at offset ${offset}`, (core) => () => reset(core, offset));
  }

  /** Moves the log's start up to `offset`, durably, and deletes the segments below it.
   * @throws ProtocolError OFFSET_OUT_OF_RANGE above the end of the log */
  deleteRecordsTo(offset: number): Promise<void> {
    return this.#core.exclusive(async () => {
      const core = this.#core;
      if (offset > core.endOffset) {
        throw new ProtocolError(
          "OFFSET_OUT_OF_RANGE",
          `Cannot delete the records of log ${core.name} up to offset ${offset}: it ends at ${core.endOffset}`,
        );
      }
      if (offset > core.startOffset) await raiseStart(core, offset);
    });
  }

  /** Deletes the oldest segments that are too old, or too much, and end at or below `upTo`. */
  applyRetention(nowMs: number, upTo: number): Promise<{ deletedSegments: number }> {
    return this.#core.exclusive(async () => {
      const core = this.#core;
      const start = retainedFrom(core, nowMs, Math.min(upTo, core.writtenOffset));
      if (start <= core.startOffset) return { deletedSegments: 0 };
      if (start === core.endOffset && core.failure === null) this.#appender.roll();
      const deleted = await raiseStart(core, start);
      return { deletedSegments: deleted.length };
    });
  }

  /** Ends the active segment: the next append begins a new one. */
  roll(): Promise<void> {
    return this.#core.exclusive(async () => {
      if (this.#core.active.sizeBytes > 0) this.#appender.roll();
    });
  }

  /** Takes appends again after a failed one, once its cause is gone: verifies what had been written since the last sync, as recovery would.
   * @throws LogFailedError when the log cannot be reopened, such as after a failed sync */
  reopen(): Promise<void> {
    return this.#core.exclusive(async () => {
      if (this.#core.failure === null) return;
      await this.#writer.idle();
      this.#writer.syncer.reset(await reopen(this.#core));
      this.#core.changed();
    });
  }

  /** Gives damaged offsets up for good: reads step over them from now on. Resolves with what was given up. */
  acceptLoss(): Promise<DamagedOffsets[]> {
    return this.#core.exclusive(async () => {
      const lost = [...this.damaged];
      if (lost.length === 0) return lost;
      this.#core.damage = this.#core.damage.map((range) => ({ ...range, accepted: true }));
      await this.#core.saveState();
      this.#core.changed();
      return lost;
    });
  }

  /** New settings count from the next append on. */
  configure(settings: LogSettings): void {
    this.#core.settings = settings;
    if (settings.flush.kind === "commit") this.#writer.syncer.sync(this.endOffset);
  }

  /** Saves what recovery would have to look for: after it a clean start reads none of the log's files. */
  async checkpoint(): Promise<void> {
    const core = this.#core;
    if (core.failure !== null) return;
    // An index can be made again; the state is what a clean start goes by.
    await storeIndex(core, core.active).catch((error: unknown) =>
      core.shared.logger.warn({ err: error, log: core.name }, "Cannot write an index"),
    );
    if (core.pointBehind) await core.saveState();
  }

  /** Flushes what is pending and lets go of the log's files. Whether it is a clean end is seen from `failure`. */
  async close(): Promise<void> {
    const core = this.#core;
    if (core.closed) return;
    core.closed = true;
    await core.settled();
    await this.#writer.idle();
    if (core.failure === null) await this.flush().catch(() => undefined);
    await this.#writer.idle();
    let saved = true;
    await this.checkpoint().catch((error: unknown) => {
      saved = false;
      core.shared.logger.warn({ err: error, log: core.name }, "Cannot write the state of a log");
    });
    await core.settled();
    core.shared.cache.cut(core.cached, 0);
    for (const segment of core.segments) {
      core.shared.indexes.release(segment);
      core.shared.files.retire(core.filePath(segment));
    }
    this.#closedClean = saved && core.failure === null && core.durable.offset === core.endOffset;
    core.failure ??= new LogFailedError(`Log ${core.name} is closed`, "CLOSED");
  }

  /** Whether `close` left nothing for recovery. */
  get closedClean(): boolean {
    return this.#closedClean;
  }

  #cut(what: string, prepare: (core: LogCore) => (() => Promise<Mark>) | null): Promise<void> {
    return this.#core.exclusive(async () => {
      const core = this.#core;
      const job = prepare(core);
      if (job === null) return;
      if (core.failure !== null) throw core.failure;
      core.cutting = true;
      try {
        await this.#writer.idle();
        if (core.failure !== null) throw core.failure;
        this.#writer.syncer.reset(await job());
      } catch (error) {
        this.#fatal(`Cannot cut log ${core.name} in ${core.path} ${what}`, error);
        throw error;
      } finally {
        core.cutting = false;
      }
    });
  }

  /** Whether it happened is unknown, and a sync that failed cannot be repeated. */
  #fatal(what: string, cause: unknown): void {
    if (this.#core.failure !== null) return;
    const failure = new LogFailedError(`${what}. Restart the node; recovery keeps what was acknowledged`, "SYNC", cause);
    this.#core.fail(failure);
    this.#core.shared.fatal(failure);
  }
}
