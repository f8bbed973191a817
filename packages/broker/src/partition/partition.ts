import type { Clock, Codecs, Disk, Logger } from "@ottla/host";
import type { Log, LogDirectory, ReadResult } from "@ottla/log";
import { type BatchHeader, type pb, ProtocolError, stampAppendTime, type TopicSettings, type Uuid, validateBatch } from "@ottla/protocol";
import type { TopicTraffic } from "../metrics/traffic.ts";
import type { Timeouts } from "../timeouts.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { committedOffset, type ReplicaProgress } from "./high-watermark.ts";
import { ProducerLedger } from "./producer-ledger.ts";
import { ProducerStore } from "./producer-store.ts";
import { lostWithLog, lowSpace, notLeading, takesNoWrites, tooFewInSync, transactional, wrongEpoch } from "./refusals.ts";
import { effectiveMinInSync, logSettings } from "./settings.ts";
import { checkTimestamps } from "./timestamps.ts";

/** Producers remembered in one partition; the one silent longest gives way. */
const PRODUCERS_MAX = 5000;
/** The same warning about one partition is not given more often. */
const WARN_EVERY_MS = 60_000;

/** What all partitions of a broker share. */
export interface PartitionSurroundings {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly codecs: Codecs;
  readonly timeouts: Timeouts;
  readonly directory: LogDirectory;
  readonly logger: Logger;
  readonly producerExpirationMs: number;
}

/** Told, in the turn in which it happens, what a parked fetch waits for. */
export interface Reader {
  /** So many more bytes lie below the high watermark. */
  committed(bytes: number): void;
  /** Leadership, log or topic are not what they were: look again. */
  changed(): void;
}

export interface Appended {
  readonly baseOffset: number;
  /** -1 unless the topic stamps append time. */
  readonly appendTimeMs: number;
  /** Resolves, never rejects: null once as many replicas hold the batch as `acks` asks, else why its outcome is unknown. */
  readonly acknowledged: Promise<ProtocolError | null>;
}

interface Leadership {
  readonly epoch: number;
  /** The log's end when the epoch began: nothing is told to readers before the high watermark has reached it. */
  readonly startOffset: number;
  readonly record: pb.PartitionRecord;
}

/** A replica of one partition: its log, and what it takes to lead it. */
export class Partition {
  readonly topicId: Uuid;
  readonly index: number;
  readonly log: Log;
  readonly #around: PartitionSurroundings;
  readonly #producers: ProducerLedger;
  readonly #acknowledgements: Acknowledgements;
  readonly #readers = new Set<Reader>();
  readonly #onFailed: () => void;
  #topicName: string;
  #settings: TopicSettings;
  #traffic: TopicTraffic;
  #leadership: Leadership | null = null;
  #highWatermark = 0;
  /** Why nothing can be asked of this replica any more, or for the moment. */
  #unavailable: ProtocolError | null = null;
  #reopening: Promise<void> | null = null;
  #warnedOldAtMs = -Infinity;

  private constructor(id: PartitionId, around: PartitionSurroundings, log: Log, producers: ProducerLedger) {
    this.topicId = id.topicId;
    this.index = id.index;
    this.log = log;
    this.#around = around;
    this.#producers = producers;
    this.#acknowledgements = new Acknowledgements(around.timeouts, () => this.#name);
    this.#onFailed = id.onFailed;
    this.#topicName = id.topicName;
    this.#settings = id.settings;
    this.#traffic = id.traffic;
  }

  /** Opens the log, creating it if absent, and rebuilds the producers' state. */
  static async open(id: PartitionId, around: PartitionSurroundings): Promise<Partition> {
    let partition: Partition | null = null;
    const log = await around.directory.openLog(logName(id.topicId, id.index), logSettings(id.settings), () => {
      if (partition !== null) partition.#progressed();
    });
    const store = new ProducerStore(around.disk, around.logger, PRODUCERS_MAX);
    partition = new Partition(id, around, log, await ProducerLedger.open(log, store, around.logger, around.clock.wallMs()));
    return partition;
  }

  get topicName(): string {
    return this.#topicName;
  }

  get settings(): TopicSettings {
    return this.#settings;
  }

  get traffic(): TopicTraffic {
    return this.#traffic;
  }

  /** -1 while it does not lead. */
  get leaderEpoch(): number {
    return this.#leadership?.epoch ?? -1;
  }

  /** Exclusive; never falls. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** It takes no writes until {@link reopen} has succeeded. */
  get failed(): boolean {
    return !this.#producers.trusted;
  }

  configure(topicName: string, settings: TopicSettings, traffic: TopicTraffic): void {
    this.#topicName = topicName;
    this.#traffic = traffic;
    this.#settings = settings;
    this.log.configure(logSettings(settings));
    this.#progressed();
  }

  /** The image says that this very process leads. */
  lead(record: pb.PartitionRecord): void {
    const former = this.#leadership;
    if (former?.epoch === record.leaderEpoch) {
      this.#leadership = { ...former, record };
      this.#progressed();
      return;
    }
    this.#leadership = { epoch: record.leaderEpoch, startOffset: this.log.endOffset, record };
    // A log that cannot note it has failed, and says so by itself.
    this.log.recordEpochStart(record.leaderEpoch).catch(() => {});
    this.#progressed();
    this.#notify();
  }

  /** Another replica leads, or none. */
  resign(): void {
    if (this.#leadership === null) return;
    this.#leadership = null;
    this.#giveUp(
      new ProtocolError(
        "NOT_LEADER_OR_FOLLOWER",
        `${this.#name} is no longer led by node ${this.#around.nodeId}: whether the batch survives is not known`,
      ),
    );
  }

  /** The topic is gone or the broker stops: nothing is answered from here on. */
  close(reason: ProtocolError): void {
    this.#unavailable = reason;
    this.#leadership = null;
    this.#giveUp(reason);
  }

  /** Appends one batch. What it throws was not appended; how the append ends is told by `acknowledged`.
   * @throws ProtocolError NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR, NOT_ENOUGH_REPLICAS, INVALID_TIMESTAMP, and what
   * {@link validateBatch} and {@link Producers.check} throw */
  produce(batch: Uint8Array, acks: number, timeoutMs: number, nowMs: number): Appended {
    const { record, epoch } = this.requireLeader(-1);
    const header = validateBatch(batch, { maxBytes: this.#settings.maxMessageBytes });
    if (header.isTransactional) throw transactional(this.#name);
    if (this.failed) throw takesNoWrites(`append to ${this.#name}`, this.log.failure);
    const original = this.#producers.check(header);
    if (original !== null) {
      const { baseOffset, appendTimeMs, lastOffset } = original;
      const reached = acks === -1 ? this.#highWatermark : this.#heldOffset;
      return { baseOffset, appendTimeMs, acknowledged: this.#acknowledgements.resent(lastOffset + 1, acks, timeoutMs, reached) };
    }
    const appendTimeMs = this.#settings.messageTimestampType === "LogAppendTime" ? nowMs : -1;
    if (appendTimeMs === -1) {
      checkTimestamps(header, this.#settings, nowMs);
      this.#warnIfOld(header, nowMs);
    }
    this.#requireSpace();
    if (acks === -1) this.#requireReplicas(record);
    if (appendTimeMs !== -1) stampAppendTime(batch, nowMs);
    const { baseOffset, lastOffset } = this.log.append(batch, epoch);
    this.#producers.record(header, baseOffset, nowMs, appendTimeMs);
    this.#traffic.appended(header.recordCount, batch.length);
    return { baseOffset, appendTimeMs, acknowledged: this.#acknowledgements.appended(lastOffset + 1, batch.length, acks, timeoutMs) };
  }

  /** @param clientEpoch the newest leader epoch the client knows, -1 for none (KIP-320)
   * @throws ProtocolError NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, or why the replica is unavailable */
  requireLeader(clientEpoch: number): Leadership {
    if (this.#unavailable !== null) throw this.#unavailable;
    const leadership = this.#leadership;
    if (leadership === null) throw notLeading(this.#name, this.#around.nodeId);
    if (clientEpoch !== -1 && clientEpoch !== leadership.epoch) throw wrongEpoch(this.#name, clientEpoch, leadership.epoch);
    return leadership;
  }

  /** Where readers may read, exclusive.
   * @throws ProtocolError as {@link requireLeader}, and OFFSET_NOT_AVAILABLE while a new leader does not know it yet */
  requireReadable(clientEpoch: number): { epoch: number; end: number } {
    const { epoch, startOffset } = this.requireLeader(clientEpoch);
    if (this.#highWatermark < startOffset) {
      throw new ProtocolError(
        "OFFSET_NOT_AVAILABLE",
        `The leader of ${this.#name} in epoch ${epoch} does not yet know what is committed: ask again`,
      );
    }
    return { epoch, end: this.#highWatermark };
  }

  read(from: number, until: number, maxBytes: number): Promise<ReadResult> {
    return this.log.read({ from, until, maxBytes });
  }

  addReader(reader: Reader): void {
    this.#readers.add(reader);
  }

  removeReader(reader: Reader): void {
    this.#readers.delete(reader);
  }

  /** Moves the log's start up to `before`, -1 for the high watermark.
   * @returns the log's start
   * @throws ProtocolError OFFSET_OUT_OF_RANGE above the high watermark */
  async deleteRecords(before: number): Promise<number> {
    const { end } = this.requireReadable(-1);
    const offset = before === -1 ? end : before;
    if (offset < 0 || offset > end) {
      throw new ProtocolError(
        "OFFSET_OUT_OF_RANGE",
        `Cannot delete the records of ${this.#name} below ${before}: the offset must be from ${this.log.startOffset} to ${end}, its high watermark, or -1 for that`,
      );
    }
    if (offset > this.log.startOffset) {
      if (this.failed) throw takesNoWrites(`delete records of ${this.#name}`, this.log.failure);
      // The state of producers whose batches go must not depend on them.
      await this.#producers.save();
      await this.log.deleteRecordsTo(offset);
    }
    return this.log.startOffset;
  }

  /** @returns segments deleted */
  async applyRetention(nowMs: number): Promise<number> {
    this.#producers.expire(nowMs - this.#around.producerExpirationMs);
    if (this.#leadership === null || this.#unavailable !== null || this.failed) return 0;
    if (await this.#retentionMayBeDue(nowMs)) await this.#producers.save();
    // No batch goes before a snapshot tells of its producer: after a power failure nothing else would.
    const { deletedSegments } = await this.log.applyRetention(nowMs, Math.min(this.#highWatermark, this.#producers.savedOffset));
    return deletedSegments;
  }

  /** True when in doubt: then a snapshot is written in vain. */
  async #retentionMayBeDue(nowMs: number): Promise<boolean> {
    const { retentionMs, retentionBytes } = this.#settings;
    const { log } = this;
    if (log.endOffset === log.startOffset || this.#producers.savedOffset >= this.#highWatermark) return false;
    if (retentionBytes >= 0 && log.sizeBytes > retentionBytes) return true;
    if (retentionMs < 0) return false;
    // What is damaged cannot be asked for its time, and goes all the same.
    const kept = await log.offsetForTimestamp(nowMs - retentionMs, this.#highWatermark).catch(() => null);
    return kept === null || kept.header.baseOffset > log.startOffset;
  }

  /** Before a clean stop. */
  async settle(): Promise<void> {
    await this.#producers.settle();
  }

  /** Takes a log that latched shut back into service, by ordinary recovery. What was appended and not written is gone from it. */
  reopen(): Promise<void> {
    this.#reopening ??= this.#recover().finally(() => {
      this.#reopening = null;
    });
    return this.#reopening;
  }

  async #recover(): Promise<void> {
    await this.#producers.reopen(this.#around.clock.wallMs());
    this.#around.logger.warn({ partition: this.#name, endOffset: this.log.endOffset }, "A log that had failed takes writes again");
    this.#progressed();
    this.#notify();
  }

  get #name(): string {
    return `partition ${this.index} of topic ${this.#topicName}`;
  }

  /** How far this replica holds its log as safely as the flush policy asks. */
  get #heldOffset(): number {
    return this.#settings.flushPolicy.kind === "commit" ? this.log.durableOffset : this.log.writtenOffset;
  }

  #progressed(): void {
    this.#acknowledgements.held(this.#heldOffset);
    this.#advance();
    const { failure } = this.log;
    if (failure === null || this.#reopening !== null) return;
    this.#giveUp(lostWithLog(this.#name, failure));
    this.#onFailed();
  }

  #advance(): void {
    const leadership = this.#leadership;
    if (leadership === null) return;
    const { record } = leadership;
    const minInSync = effectiveMinInSync(this.#settings, record.replicas.length);
    const committed = committedOffset(record.isr, minInSync, this.#settings.flushPolicy, (nodeId) => this.#progressOf(nodeId));
    if (committed === null || committed <= this.#highWatermark) return;
    this.#highWatermark = committed;
    const bytes = this.#acknowledgements.committed(committed);
    for (const reader of this.#readers) reader.committed(bytes);
  }

  #progressOf(nodeId: number): ReplicaProgress | undefined {
    return nodeId === this.#around.nodeId ? this.log : undefined;
  }

  /** Nobody who waits will get what it waits for. */
  #giveUp(error: ProtocolError): void {
    this.#acknowledgements.fail(error);
    this.#notify();
  }

  #notify(): void {
    for (const reader of this.#readers) reader.changed();
  }

  #requireSpace(): void {
    const { directory } = this.#around;
    const { freeBytes, limitBytes, low } = directory.freeSpace;
    if (low) throw lowSpace(`append to ${this.#name}`, directory.path, freeBytes, limitBytes);
  }

  #requireReplicas({ isr, replicas }: pb.PartitionRecord): void {
    const minInSync = effectiveMinInSync(this.#settings, replicas.length);
    if (isr.length < minInSync) throw tooFewInSync(this.#name, isr.length, replicas.length, minInSync);
  }

  #warnIfOld(header: BatchHeader, nowMs: number): void {
    const { retentionMs } = this.#settings;
    if (retentionMs < 0 || header.maxTimestamp >= nowMs - retentionMs || nowMs - this.#warnedOldAtMs < WARN_EVERY_MS) return;
    this.#warnedOldAtMs = nowMs;
    this.#around.logger.warn(
      { partition: this.#name, timestamp: header.maxTimestamp, retentionMs },
      "Records are produced that retention removes as soon as their segment is full: raise retention.ms, or set it to -1",
    );
  }
}

export interface PartitionId {
  readonly topicId: Uuid;
  readonly index: number;
  readonly topicName: string;
  readonly settings: TopicSettings;
  readonly traffic: TopicTraffic;
  /** The log has latched shut: it wants {@link Partition.reopen} once the disk allows. */
  onFailed(): void;
}

/** Directories bear the id, never the name: a topic that is deleted and made again must not meet its former log. */
export function logName(topicId: Uuid, index: number): string {
  return `${topicId}-${index}`;
}
