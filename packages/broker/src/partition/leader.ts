import { minInSync } from "@ottla/metadata";
import { type BatchHeader, correctMaxTimestamp, type pb, type ProtocolError, stampAppendTime, validateBatch } from "@ottla/protocol";
import { Acknowledgements } from "./acknowledgements.ts";
import { Deletions } from "./deletions.ts";
import { committedOffset } from "./high-watermark.ts";
import { InSync } from "./in-sync.ts";
import { lostBatch, lowSpace, takesNoWrites, tooFewAfterAppend, tooFewInSync, transactional } from "./refusals.ts";
import type { Held, RemoteReplica } from "./remote-replica.ts";
import type { Replica } from "./replica.ts";
import type { Appended } from "./surroundings.ts";
import { checkTimestamps } from "./timestamps.ts";

/** The same warning about one partition is not given more often. */
const WARN_EVERY_MS = 60_000;

/** Takes what the leader has for one follower. Told in the turn in which it happens. */
export interface Feed {
  /** More of the log is written: it may be sent. */
  grown(): void;
  /** The high watermark or the log's start moved. */
  committed(): void;
  /** The leadership is over. */
  ended(): void;
}

/** The leadership of one partition in one leader epoch. */
export class Leader {
  readonly epoch: number;
  /** The log's end when the epoch began: nothing is told to readers before the high watermark has reached it. */
  readonly startOffset: number;
  readonly inSync: InSync;
  readonly deletions: Deletions;
  readonly replica: Replica;
  readonly #acknowledgements: Acknowledgements;
  readonly #feeds = new Set<Feed>();
  #record: pb.PartitionRecord;
  #sentEnd: number;
  #logStart: number;
  #warnedOldAtMs = -Infinity;

  constructor(replica: Replica, record: pb.PartitionRecord) {
    this.replica = replica;
    this.epoch = record.leaderEpoch;
    this.#record = record;
    // It was told of more than it has when its disk took back what it had not written.
    replica.boundHighWatermark();
    this.startOffset = this.#sentEnd = replica.log.endOffset;
    this.#logStart = replica.log.startOffset;
    this.inSync = new InSync(replica, record, this.startOffset);
    this.deletions = new Deletions(replica, this.inSync);
    replica.traffic.elected();
    this.#acknowledgements = new Acknowledgements(
      replica.around.timeouts,
      () => replica.name,
      () => (this.#tooFew ? this.#tooFewAfterAppend() : null),
    );
    // A log that cannot note it has failed, and says so by itself.
    replica.log.recordEpochStart(record.leaderEpoch).catch(() => {});
    this.progressed();
  }

  get record(): pb.PartitionRecord {
    return this.#record;
  }

  get minInSync(): number {
    return minInSync(this.replica.settings.minInsyncReplicas, this.#record);
  }

  /** The same epoch, but other replicas. */
  update(record: pb.PartitionRecord): void {
    this.replica.traffic.inSyncChanged(this.#record.isr.length, record.isr.length);
    this.#record = record;
    this.inSync.update(record);
    this.progressed();
    this.review();
  }

  /** Time has passed, or the cluster is not what it was. */
  review(): void {
    this.inSync.review();
    this.deletions.review();
  }

  addFeed(feed: Feed): void {
    this.#feeds.add(feed);
  }

  removeFeed(feed: Feed): void {
    this.#feeds.delete(feed);
  }

  /** Appends one batch. What it throws was not appended; how the append ends is told by `acknowledged`.
   * @throws ProtocolError KAFKA_STORAGE_ERROR, NOT_ENOUGH_REPLICAS, INVALID_TIMESTAMP, and what {@link validateBatch} and
   * {@link Producers.check} throw */
  produce(batch: Uint8Array, acks: number, timeoutMs: number, nowMs: number): Appended {
    const { settings, log, producers, traffic, name } = this.replica;
    const header = validateBatch(batch, { maxBytes: settings.maxMessageBytes });
    if (header.isTransactional) throw transactional(name);
    if (!producers.trusted) throw takesNoWrites(`append to ${name}`, log.failure);
    const original = producers.check(header);
    if (original !== null) return this.#resent(original, acks, timeoutMs);
    const appendTimeMs = settings.messageTimestampType === "LogAppendTime" ? nowMs : -1;
    if (appendTimeMs === -1) {
      checkTimestamps(header, settings, nowMs);
      this.#warnIfOld(header, nowMs);
    }
    this.#requireSpace();
    if (acks === -1 && this.#tooFew) throw tooFewInSync(name, this.inSync.committed.length, this.#record.replicas.length, this.minInSync);
    if (appendTimeMs !== -1) stampAppendTime(batch, nowMs);
    else correctMaxTimestamp(batch, header);
    const { baseOffset, lastOffset } = log.append(batch, this.epoch);
    producers.record(header, baseOffset, nowMs, appendTimeMs);
    traffic.appended(header.recordCount, batch.length);
    return { baseOffset, appendTimeMs, acknowledged: this.#acknowledgements.appended(lastOffset + 1, batch.length, acks, timeoutMs) };
  }

  /** The own log moved, or its settings. */
  progressed(): void {
    const { log, heldOffset } = this.replica;
    this.#acknowledgements.held(heldOffset);
    if (log.writtenOffset !== this.#sentEnd) {
      this.#sentEnd = log.writtenOffset;
      this.inSync.leaderMoved();
      for (const feed of this.#feeds) feed.grown();
    }
    if (log.startOffset !== this.#logStart) {
      this.#logStart = log.startOffset;
      for (const feed of this.#feeds) feed.committed();
    }
    this.advance();
  }

  /** A follower has told how far its log is. */
  followerProgressed(remote: RemoteReplica, held: Held): void {
    this.inSync.progressed(remote, held);
    this.deletions.review();
    this.advance();
  }

  /** P7: raises the high watermark to what the maximal in-sync set holds. */
  advance(): void {
    const { replica } = this;
    const committed = committedOffset(this.inSync, this.minInSync, this.inSync.held);
    if (committed === null || !replica.raiseHighWatermark(committed)) return;
    const bytes = this.#acknowledgements.committed(committed);
    for (const reader of replica.readers) reader.committed(bytes);
    for (const feed of this.#feeds) feed.committed();
  }

  /** P15: the followers step over what is lost, and with them the high watermark; whoever waits for it must not take that for an acknowledgement. */
  lost(from: number, until: number): void {
    this.#acknowledgements.lost(from, until, lostBatch(this.replica.name, from, until));
  }

  /** Nobody who waits will get what it waits for. */
  giveUp(error: ProtocolError): void {
    this.#acknowledgements.fail(error);
    this.deletions.fail(error);
  }

  end(error: ProtocolError): void {
    this.inSync.end();
    this.giveUp(error);
    for (const feed of this.#feeds) feed.ended();
    this.#feeds.clear();
  }

  /** P17: a duplicate waits like the original, and like it is answered only while enough replicas are in sync (P15). */
  #resent(original: { baseOffset: number; lastOffset: number; appendTimeMs: number }, acks: number, timeoutMs: number): Appended {
    const { baseOffset, lastOffset, appendTimeMs } = original;
    const { highWatermark, heldOffset, log, name } = this.replica;
    if (log.isLost(baseOffset)) throw lostBatch(name, baseOffset, lastOffset + 1);
    if (acks === -1 && this.#tooFew) return { baseOffset, appendTimeMs, acknowledged: Promise.resolve(this.#tooFewAfterAppend()) };
    const reached = acks === -1 ? highWatermark : heldOffset;
    return { baseOffset, appendTimeMs, acknowledged: this.#acknowledgements.resent(lastOffset + 1, acks, timeoutMs, reached) };
  }

  get #tooFew(): boolean {
    return this.inSync.committed.length < this.minInSync;
  }

  #tooFewAfterAppend(): ProtocolError {
    return tooFewAfterAppend(this.replica.name, this.inSync.committed.length, this.#record.replicas.length, this.minInSync);
  }

  #requireSpace(): void {
    const { directory } = this.replica.around;
    const { freeBytes, limitBytes, low } = directory.freeSpace;
    if (low) throw lowSpace(`append to ${this.replica.name}`, directory.path, freeBytes, limitBytes);
  }

  #warnIfOld(header: BatchHeader, nowMs: number): void {
    const { retentionMs } = this.replica.settings;
    if (retentionMs < 0 || header.maxTimestamp >= nowMs - retentionMs || nowMs - this.#warnedOldAtMs < WARN_EVERY_MS) return;
    this.#warnedOldAtMs = nowMs;
    this.replica.around.logger.warn(
      { partition: this.replica.name, timestamp: header.maxTimestamp, retentionMs },
      "Records are produced that retention removes as soon as their segment is full: raise retention.ms, or set it to -1",
    );
  }
}
