import { type BatchHeader, batches } from "@ottla/protocol";
import { LogFailedError } from "../errors.ts";
import type { LogSettings } from "../settings.ts";
import { Appender } from "./appender.ts";
import type { LogCore } from "./core.ts";
import { Cuts } from "./cuts.ts";
import { storeIndex } from "./indexing.ts";
import { type DamagedOffsets, type Gap, LogFacts } from "./log-facts.ts";
import { Reader, type ReadOptions, type ReadResult } from "./reader.ts";
import { firstAtOrAfter, type FoundBatch, withMaxTimestamp } from "./times.ts";
import type { Writer } from "./writer.ts";

const HEADERS_STEP_BYTES = 1 << 20;

/** An append-only log of record batches. Offsets are contiguous; batches are immutable once appended.
 *
 * What is appended goes through three states: in the log (`endOffset`), handed to the operating system (`writtenOffset`), durable
 * (`durableOffset`). A failed write or sync takes back what was not written and shuts the log to appends: see `failure`. */
export class Log extends LogFacts {
  readonly #core: LogCore;
  readonly #appender: Appender;
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #cuts: Cuts;
  #closedClean = false;

  /** Made by {@link LogDirectory.openLog}. */
  constructor(core: LogCore) {
    super(core);
    this.#core = core;
    this.#appender = new Appender(core);
    this.#writer = this.#appender.writer;
    this.#reader = new Reader(core);
    this.#cuts = new Cuts(core, this.#appender);
  }

  /** Appended and not yet handed to the operating system. */
  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  /** Takes ownership of one whole batch, gives it the next offset and the leader epoch, and queues it; what is queued in a turn becomes one
   * write. Reads see it at once.
   * @param leaderEpoch not below that of the batch before
   * @throws LogFailedError after a failed write or sync */
  append(batch: Uint8Array, leaderEpoch: number): { baseOffset: number; lastOffset: number } {
    return this.#appender.append(batch, leaderEpoch);
  }

  /** Takes ownership of one whole batch of another replica's log, which must come next and keeps its offset and epoch, byte for byte. It can be
   * read once it is written.
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

  /** A leader begins an epoch at the end of the log; resolves once that is durable. */
  async recordEpochStart(epoch: number): Promise<void> {
    const core = this.#core;
    if (epoch !== core.epochs.last) core.epochs.begin(epoch, this.endOffset);
    else if (core.stateSaving === null) return;
    await core.saveState();
  }

  /** Cuts the log before the batch that holds `offset`, durably. Nothing may be appended until it resolves. */
  truncateTo(offset: number): Promise<void> {
    return this.#cuts.truncateTo(offset);
  }

  /** Drops all that the log holds; it begins anew, and empty, at `offset`, durably. Nothing may be appended until it resolves. */
  resetTo(offset: number): Promise<void> {
    return this.#cuts.resetTo(offset);
  }

  /** Goes on behind offsets that no replica has, which begin where the log ends. Nothing may be appended until it resolves. */
  async skipTo(gap: Gap): Promise<void> {
    // Recovery takes what comes behind the gap only because all before it was durable.
    await this.flush();
    await this.#cuts.skipTo(gap);
  }

  /** Moves the log's start up to `offset`, durably, and deletes the segments below it.
   * @throws ProtocolError OFFSET_OUT_OF_RANGE above the end of the log */
  deleteRecordsTo(offset: number): Promise<void> {
    return this.#cuts.deleteRecordsTo(offset);
  }

  /** Deletes the oldest segments that are too old, or too much, and end at or below `upTo`. */
  applyRetention(nowMs: number, upTo: number): Promise<{ deletedSegments: number }> {
    return this.#cuts.applyRetention(nowMs, upTo);
  }

  /** Ends the active segment: the next append begins a new one. */
  roll(): Promise<void> {
    return this.#cuts.roll();
  }

  /** Takes appends again after a failed one, once its cause is gone: verifies what had been written since the last sync, as recovery would.
   * @throws LogFailedError when the log cannot be reopened, such as after a failed sync */
  reopen(): Promise<void> {
    return this.#cuts.reopen();
  }

  /** No other replica has what is damaged at `offset`: from now on it counts as lost. */
  noteLost(offset: number): Promise<void> {
    return this.#cuts.judge("lost", ({ from, until, fate }) => fate === "damaged" && from <= offset && offset < until);
  }

  /** Gives what is not served up for good: reads step over it from now on. Resolves with what was given up. */
  async acceptLoss(): Promise<readonly DamagedOffsets[]> {
    const given = this.unserved;
    await this.#cuts.judge("accepted", ({ fate }) => fate !== "accepted");
    return given;
  }

  /** New settings count from the next append on. */
  configure(settings: LogSettings): void {
    const core = this.#core;
    core.settings = settings;
    if (settings.flush.kind === "commit") core.relaxedUntil = this.endOffset;
    // What was appended under `commit` counts only once it is synced, and nobody else asks for that.
    if (settings.flush.kind === "commit" || !core.relaxed) this.#writer.syncer.sync(this.endOffset);
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
}
