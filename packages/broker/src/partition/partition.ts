import type { Clock, Codecs, Disk, Logger } from "@ottla/host";
import type { Log, LogDirectory, ReadResult } from "@ottla/log";
import { type BatchHeader, type pb, ProtocolError, stampAppendTime, type TopicSettings, type Uuid, validateBatch } from "@ottla/protocol";
import type { TopicTraffic } from "../metrics/traffic.ts";
import type { Timeouts } from "../timeouts.ts";
import { CommitQueue, type Waiter } from "./commit-queue.ts";
import { committedOffset, type ReplicaProgress } from "./high-watermark.ts";
import { ProducerStore } from "./producer-store.ts";
import { Producers } from "./producers.ts";
import { effectiveMinInSync, logSettings } from "./settings.ts";
import { checkTimestamps } from "./timestamps.ts";

/** Producers remembered in one partition; the one silent longest gives way. */
const PRODUCERS_MAX = 5000;
/** Rebuilding the producers' state reads at most about so many batch headers, or the headers of so many bytes. */
const SNAPSHOT_EVERY_BATCHES = 20_000;
const SNAPSHOT_EVERY_BYTES = 256 * 1024 * 1024;
/** At a clean stop fewer headers are sooner read again than a snapshot is written. */
const SNAPSHOT_WORTH_BATCHES = 32;

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

const ACKNOWLEDGED: Promise<ProtocolError | null> = Promise.resolve(null);

/** A replica of one partition: its log, and what it takes to lead it. */
export class Partition {
  readonly topicId: Uuid;
  readonly index: number;
  readonly log: Log;
  readonly #around: PartitionSurroundings;
  readonly #store: ProducerStore;
  readonly #onFailed: () => void;
  #topicName: string;
  #settings: TopicSettings;
  #traffic: TopicTraffic;
  #producers: Producers;
  #leadership: Leadership | null = null;
  #highWatermark = 0;
  /** Why nothing can be asked of this replica any more, or for the moment. */
  #unavailable: ProtocolError | null = null;
  #reopening: Promise<void> | null = null;
  /** Waiting for the high watermark, and for this replica alone (acks=1). */
  readonly #committing = new CommitQueue();
  readonly #appending = new CommitQueue();
  readonly #readers = new Set<Reader>();
  #unsavedBatches: number;
  #unsavedBytes = 0;
  #warnedOldAtMs = -Infinity;

  private constructor(id: PartitionId, around: PartitionSurroundings, log: Log, store: ProducerStore, loaded: { producers: Producers; batchesRead: number }) {
    this.topicId = id.topicId;
    this.index = id.index;
    this.log = log;
    this.#around = around;
    this.#store = store;
    this.#onFailed = id.onFailed;
    this.#topicName = id.topicName;
    this.#settings = id.settings;
    this.#traffic = id.traffic;
    this.#producers = loaded.producers;
    this.#unsavedBatches = loaded.batchesRead;
  }

  /** Opens the log, creating it if absent, and rebuilds the producers' state. */
  static async open(id: PartitionId, around: PartitionSurroundings): Promise<Partition> {
    let partition: Partition | null = null;
    const log = await around.directory.openLog(logName(id.topicId, id.index), logSettings(id.settings), () => {
      if (partition !== null) partition.#progressed();
    });
    const store = new ProducerStore(around.disk, around.logger, PRODUCERS_MAX);
    const loaded = await store.load(log, around.clock.wallMs());
    partition = new Partition(id, around, log, store, loaded);
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

  get failed(): boolean {
    return this.log.failure !== null;
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
    this.#giveUp(new ProtocolError("NOT_LEADER_OR_FOLLOWER", `${this.#name} is no longer led by node ${this.#around.nodeId}: whether the batch survives is not known`));
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
    if (header.isTransactional) {
      throw new ProtocolError("INVALID_TXN_STATE", `Cannot append a transactional batch to ${this.#name}: this version has no transactions; send without a transactional id`);
    }
    // What a failed log took back is still in the producers' state: until that is rebuilt, nothing of it is to be believed.
    this.#requireTakesWrites();
    const original = this.#producers.check(header, this.log.endOffset);
    if (original !== null) {
      const { baseOffset, appendTimeMs } = original;
      return { baseOffset, appendTimeMs, acknowledged: this.#wait(original.lastOffset + 1, 0, acks, timeoutMs, true) };
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
    this.#countUnsaved(batch.length);
    return { baseOffset, appendTimeMs, acknowledged: this.#wait(lastOffset + 1, batch.length, acks, timeoutMs, false) };
  }

  /** @param clientEpoch the newest leader epoch the client knows, -1 for none (KIP-320)
   * @throws ProtocolError NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, or why the replica is unavailable */
  requireLeader(clientEpoch: number): Leadership {
    if (this.#unavailable !== null) throw this.#unavailable;
    const leadership = this.#leadership;
    if (leadership === null) throw new ProtocolError("NOT_LEADER_OR_FOLLOWER", `Node ${this.#around.nodeId} does not lead ${this.#name}: refresh the metadata and ask its leader`);
    if (clientEpoch !== -1 && clientEpoch !== leadership.epoch) throw this.#wrongEpoch(clientEpoch, leadership.epoch);
    return leadership;
  }

  /** Where readers may read, exclusive.
   * @throws ProtocolError as {@link requireLeader}, and OFFSET_NOT_AVAILABLE while a new leader does not know it yet */
  requireReadable(clientEpoch: number): { epoch: number; end: number } {
    const { epoch, startOffset } = this.requireLeader(clientEpoch);
    if (this.#highWatermark < startOffset) {
      throw new ProtocolError("OFFSET_NOT_AVAILABLE", `The leader of ${this.#name} in epoch ${epoch} does not yet know what is committed: ask again`);
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
      throw new ProtocolError("OFFSET_OUT_OF_RANGE", `Cannot delete the records of ${this.#name} below ${before}: the offset must be from ${this.log.startOffset} to ${end}, its high watermark, or -1 for that`);
    }
    if (offset > this.log.startOffset) {
      // The state of producers whose batches go must not depend on them.
      await this.#store.save(this.log, this.#producers);
      await this.log.deleteRecordsTo(offset);
    }
    return this.log.startOffset;
  }

  /** @returns segments deleted */
  async applyRetention(nowMs: number): Promise<number> {
    this.#producers.expire(nowMs - this.#around.producerExpirationMs);
    if (this.#leadership === null || this.#unavailable !== null || this.failed) return 0;
    const { deletedSegments } = await this.log.applyRetention(nowMs, this.#highWatermark);
    if (deletedSegments > 0) await this.saveProducers();
    return deletedSegments;
  }

  async saveProducers(): Promise<void> {
    this.#unsavedBatches = 0;
    this.#unsavedBytes = 0;
    await this.#store.save(this.log, this.#producers);
  }

  /** Before a clean stop. */
  async settle(): Promise<void> {
    if (this.#unsavedBatches >= SNAPSHOT_WORTH_BATCHES && !this.failed) await this.saveProducers();
  }

  /** Takes a log that latched shut back into service, by ordinary recovery. What was appended and not written is gone from it. */
  reopen(): Promise<void> {
    this.#reopening ??= this.#recover().finally(() => {
      this.#reopening = null;
    });
    return this.#reopening;
  }

  async #recover(): Promise<void> {
    await this.log.reopen();
    const { producers, batchesRead } = await this.#store.load(this.log, this.#around.clock.wallMs());
    this.#producers = producers;
    this.#unsavedBatches = batchesRead;
    this.#unsavedBytes = 0;
    this.#around.logger.warn({ partition: this.#name, endOffset: this.log.endOffset }, "A log that had failed takes writes again");
    this.#progressed();
    this.#notify();
  }

  get #name(): string {
    return `partition ${this.index} of topic ${this.#topicName}`;
  }

  #progressed(): void {
    const { log } = this;
    this.#appending.settleBelow(this.#settings.flushPolicy.kind === "commit" ? log.durableOffset : log.writtenOffset, null);
    this.#advance();
    if (log.failure !== null && this.#reopening === null) {
      this.#giveUp(new ProtocolError("KAFKA_STORAGE_ERROR", `${this.#name} takes no writes: ${log.failure.message}. Whether the batch survives is not known`, { cause: log.failure }));
      this.#onFailed();
    }
  }

  #advance(): void {
    const leadership = this.#leadership;
    if (leadership === null) return;
    const { record } = leadership;
    const minInSync = effectiveMinInSync(this.#settings, record.replicas.length);
    const committed = committedOffset(record.isr, minInSync, this.#settings.flushPolicy, (nodeId) => this.#progressOf(nodeId));
    if (committed === null || committed <= this.#highWatermark) return;
    this.#highWatermark = committed;
    const bytes = this.#committing.settleBelow(committed, null);
    for (const reader of this.#readers) reader.committed(bytes);
  }

  #progressOf(nodeId: number): ReplicaProgress | undefined {
    return nodeId === this.#around.nodeId ? this.log : undefined;
  }

  /** Nobody who waits will get what it waits for. */
  #giveUp(error: ProtocolError): void {
    this.#appending.fail(error);
    this.#committing.fail(error);
    this.#notify();
  }

  #notify(): void {
    for (const reader of this.#readers) reader.changed();
  }

  #wait(endOffset: number, bytes: number, acks: number, timeoutMs: number, resend: boolean): Promise<ProtocolError | null> {
    const queue = acks === 1 ? this.#appending : this.#committing;
    if (resend) {
      const reached = acks === 1 ? (this.#settings.flushPolicy.kind === "commit" ? this.log.durableOffset : this.log.writtenOffset) : this.#highWatermark;
      if (acks === 0 || endOffset <= reached) return ACKNOWLEDGED;
    } else if (acks !== -1) {
      this.#committing.push(endOffset, bytes, null);
      if (acks === 0) return ACKNOWLEDGED;
    }
    return new Promise((resolve) => {
      const waiter: Waiter = {
        settle: resolve,
        timer: this.#around.timeouts.after(timeoutMs, () => {
          resolve(new ProtocolError("REQUEST_TIMED_OUT", `The batch at offset ${endOffset - 1} of ${this.#name} was appended, but not acknowledged within ${timeoutMs} ms: whether it survives is not known`));
        }),
      };
      if (resend) queue.pushResend(endOffset, waiter);
      else queue.push(endOffset, bytes, waiter);
    });
  }

  #requireTakesWrites(): void {
    if (this.log.failure !== null || this.#reopening !== null) {
      throw new ProtocolError("KAFKA_STORAGE_ERROR", `Cannot append to ${this.#name}: its log takes no writes${this.log.failure === null ? " while it recovers" : ` since ${this.log.failure.message}`}. It reopens by itself once the disk has space`);
    }
  }

  #requireSpace(): void {
    const { directory } = this.#around;
    const { freeBytes, limitBytes, low } = directory.freeSpace;
    if (low) throw lowSpace(`append to ${this.#name}`, directory.path, freeBytes, limitBytes);
  }

  #requireReplicas({ isr, replicas }: pb.PartitionRecord): void {
    const minInSync = effectiveMinInSync(this.#settings, replicas.length);
    if (isr.length >= minInSync) return;
    throw new ProtocolError("NOT_ENOUGH_REPLICAS", `Cannot append to ${this.#name} with acks=all: ${isr.length} of its ${replicas.length} replicas are in sync, and min.insync.replicas is ${minInSync}`);
  }

  #wrongEpoch(clientEpoch: number, epoch: number): ProtocolError {
    if (clientEpoch < epoch) return new ProtocolError("FENCED_LEADER_EPOCH", `${this.#name} is led in epoch ${epoch}, the request knows ${clientEpoch}: refresh the metadata`);
    return new ProtocolError("UNKNOWN_LEADER_EPOCH", `${this.#name} is led in epoch ${epoch} as far as node ${this.#around.nodeId} knows, the request speaks of ${clientEpoch}: ask again`);
  }

  #countUnsaved(bytes: number): void {
    this.#unsavedBatches++;
    this.#unsavedBytes += bytes;
    if (this.#unsavedBatches < SNAPSHOT_EVERY_BATCHES && this.#unsavedBytes < SNAPSHOT_EVERY_BYTES) return;
    this.saveProducers().catch((error: unknown) => {
      this.#around.logger.warn({ partition: this.#name, err: error }, "Cannot write a snapshot of producers; the next open reads more of the log");
    });
  }

  #warnIfOld(header: BatchHeader, nowMs: number): void {
    const { retentionMs } = this.#settings;
    if (retentionMs < 0 || header.maxTimestamp >= nowMs - retentionMs || nowMs - this.#warnedOldAtMs < 60_000) return;
    this.#warnedOldAtMs = nowMs;
    this.#around.logger.warn({ partition: this.#name, timestamp: header.maxTimestamp, retentionMs }, "Records are produced that retention removes as soon as their segment is full: raise retention.ms, or set it to -1");
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

export function lowSpace(action: string, path: string, freeBytes: number, limitBytes: number): ProtocolError {
  return new ProtocolError(
    "KAFKA_STORAGE_ERROR",
    `Cannot ${action}: ${freeBytes} bytes are free at ${path}, and log.min.free.bytes keeps ${limitBytes}. Free some space; writing goes on by itself then, and reading never stopped`,
    { notAppended: true },
  );
}
