import type { Timer } from "@ottla/host";
import { batches, maxBatchBytes, type pb, ProtocolError, uuidToBytes } from "@ottla/protocol";
import type { Replica } from "./replica.ts";

/** When what failed is tried again. */
const RETRY_MS = 500;

/** Where a follower stands with its leader. `away`: it has not asked, or must ask again. `asking`: what comes before the answer is old.
 * `fed`: data follow its log's end. `busy`: its log is being cut, or took a failure. */
type Stage = "away" | "asking" | "fed" | "busy";

/** The following of one leader in one leader epoch. What comes from the leader comes through here, in the order of the session. */
export class Follower {
  readonly replica: Replica;
  readonly leader: number;
  readonly epoch: number;
  readonly topicId: Uint8Array;
  #stage: Stage = "away";
  #ended = false;
  #snapshot: { readonly offset: number; readonly bytes: Uint8Array } | null = null;
  #chunks: { readonly baseOffset: number; readonly bytes: Uint8Array; filled: number } | null = null;
  #wantedStart = 0;
  #raisingStart = false;
  /** What changes the log in ways that nothing may be appended meanwhile. */
  #work: Promise<void> = Promise.resolve();
  #retry: Timer | null = null;
  readonly #onFailed: () => void;

  /** @param onFailed what the log holds must be read again before it can go on */
  constructor(replica: Replica, record: pb.PartitionRecord, onFailed: () => void) {
    this.replica = replica;
    this.#onFailed = onFailed;
    this.leader = record.leader;
    this.epoch = record.leaderEpoch;
    this.topicId = uuidToBytes(replica.topicId);
  }

  /** Whether nothing else may take the role yet, and when it may. */
  get busy(): Promise<void> | null {
    return this.#stage === "busy" ? this.#work : null;
  }

  /** Begins to be fed.
   * @param suspect its log has damage, and others hold what it lost: all from there on is fetched anew */
  start(suspect: boolean): void {
    const { log, around } = this.replica;
    const [damaged] = log.damaged;
    around.peers.follow(this);
    if (suspect && damaged !== undefined) this.#change(() => this.#cut(Math.max(damaged.from, log.startOffset)));
  }

  end(): void {
    this.#ended = true;
    this.#chunks = this.#snapshot = null;
    this.#retry?.cancel();
    this.replica.around.peers.unfollow(this);
  }

  /** The question to the leader, null while it cannot be asked. */
  ask(brokerEpoch: number): pb.AttachPartition | null {
    const { log, producers, index } = this.replica;
    if (this.#ended || this.#stage === "busy" || !producers.trusted) return null;
    // What is not written does not count as held; when it is, this is asked again.
    if (log.writtenOffset < log.endOffset) return null;
    this.#stage = "asking";
    this.#chunks = null;
    return {
      topicId: this.topicId,
      partition: index,
      leaderEpoch: this.epoch,
      lastEpoch: log.lastBatchEpoch,
      endOffset: log.endOffset,
      durableOffset: log.durableOffset,
      startOffset: log.startOffset,
      brokerEpoch,
    };
  }

  /** The session has ended. */
  away(): void {
    if (this.#stage !== "busy") this.#stage = "away";
    this.#chunks = this.#snapshot = null;
  }

  /** It waits to ask. */
  get isAway(): boolean {
    return this.#stage === "away";
  }

  /** null while the leader need not know: it is not fed. */
  progress(): pb.ReplicaProgress | null {
    if (this.#stage !== "fed") return null;
    const { log, index } = this.replica;
    const { writtenOffset: endOffset, durableOffset } = log;
    return { topicId: this.topicId, partition: index, leaderEpoch: this.epoch, endOffset, durableOffset };
  }

  /** Received and not yet with the operating system. */
  get pendingBytes(): number {
    return this.replica.log.pendingBytes;
  }

  /** The producers' state, which belongs to the answer behind it. */
  producers(offset: number, bytes: Uint8Array): void {
    // A copy: the frame is not kept.
    if (this.#stage === "asking") this.#snapshot = { offset, bytes: bytes.slice() };
  }

  from(answer: pb.FromOffset): void {
    if (this.#stage !== "asking") return;
    if (answer.startAnew) return this.#change(() => this.#beginAnew(answer.offset));
    if (answer.offset !== this.replica.log.endOffset) return this.#askAgain();
    this.#stage = "fed";
    this.committed(answer.highWatermark, answer.logStartOffset);
  }

  /** P13: the only place that says where to cut is the leader's answer about epochs. @see KIP-101, KIP-320 */
  diverged({ epoch, endOffset }: pb.DivergedPartition): void {
    if (this.#stage !== "asking") return;
    const { log } = this.replica;
    const own = log.epochEnd(epoch);
    const agreed = own.epoch === epoch ? Math.min(own.endOffset, endOffset) : own.endOffset;
    const offset = Math.max(log.startOffset, agreed);
    if (offset >= log.endOffset) {
      throw new ProtocolError(
        "INVALID_REQUEST",
        `The leader says that ${this.replica.name} differs from epoch ${epoch}, offset ${endOffset} on, where it ends at ${log.endOffset} in epoch ${log.lastBatchEpoch}`,
      );
    }
    this.#change(() => this.#cut(offset));
  }

  /** Appends what follows the log's end, byte for byte (P5).
   * @throws ProtocolError CORRUPT_MESSAGE for what cannot be a part of the leader's log */
  append(part: pb.DataPart, bytes: Uint8Array, nowMs: number): void {
    if (this.#stage !== "fed") return;
    const { log, producers } = this.replica;
    if (!producers.trusted) return this.#fail();
    if (part.baseOffset !== log.endOffset) return this.#askAgain();
    const whole = part.chunkOf === 0 ? bytes : this.#joined(part, bytes);
    this.replica.traffic.replicatedIn(bytes.length);
    if (whole === null) return;
    for (const { header, bytes: batch } of batches(whole)) {
      if (header.leaderEpoch > this.epoch)
        throw new ProtocolError(
          "CORRUPT_MESSAGE",
          `A batch of epoch ${header.leaderEpoch} of ${this.replica.name} came in epoch ${this.epoch}`,
        );
      log.replicate(batch, header);
      producers.record(header, header.baseOffset, nowMs, header.timestampType === "append" ? header.maxTimestamp : -1);
    }
    this.committed(part.highWatermark, part.logStartOffset);
  }

  /** What the leader says of its high watermark and its log's start. */
  committed(highWatermark: number, logStartOffset: number): void {
    if (this.#stage !== "fed") return;
    const { log } = this.replica;
    this.replica.raiseHighWatermark(Math.min(highWatermark, log.endOffset));
    this.#wantedStart = logStartOffset;
    if (logStartOffset > log.startOffset) void this.#raiseStart();
  }

  /** The log has failed, or takes writes again. */
  logChanged(): void {
    if (!this.replica.producers.trusted) {
      this.#fail();
      // What waited for the disk holds up no other partition any more.
      this.replica.around.peers.progressed(this);
    } else if (this.#stage === "away") this.#askAgain();
    else this.replica.around.peers.progressed(this);
  }

  #fail(): void {
    if (this.#stage !== "busy") this.#stage = "away";
  }

  #askAgain(): void {
    this.#stage = "away";
    if (!this.#ended) this.replica.around.peers.attachAgain(this);
  }

  #change(job: () => Promise<void>): void {
    this.#stage = "busy";
    this.#chunks = null;
    this.#work = job().then(
      () => this.#askAgain(),
      (error: unknown) => this.#changeFailed(error),
    );
  }

  #changeFailed(error: unknown): void {
    const { around, name, producers } = this.replica;
    around.logger.error({ partition: name, err: error }, "A follower cannot bring its log in line with its leader's; it is tried again");
    this.#stage = "away";
    if (!producers.trusted) this.#onFailed();
    else if (!this.#ended) this.#retry = around.clock.after(RETRY_MS, () => this.#askAgain());
  }

  async #cut(offset: number): Promise<void> {
    const { log, producers, around, index, name, highWatermark } = this.replica;
    const fromEnd = log.endOffset;
    await producers.rewind(around.clock.wallMs(), () => log.truncateTo(offset));
    const toEnd = log.endOffset;
    if (toEnd < highWatermark)
      around.logger.error(
        { partition: name, leaderEpoch: this.epoch, highWatermark, toEnd },
        "Records were cut that had been committed here",
      );
    this.replica.boundHighWatermark();
    if (toEnd === fromEnd) return;
    around.logger.warn(
      { partition: name, leader: this.leader, leaderEpoch: this.epoch, fromEnd, toEnd },
      "The log was cut where it differed from its leader's",
    );
    around.peers.truncated({ topicId: this.topicId, partition: index, leaderEpoch: this.epoch, fromEnd, toEnd });
  }

  async #beginAnew(offset: number): Promise<void> {
    const { log, producers, around, name } = this.replica;
    const fromEnd = log.endOffset;
    const snapshot = this.#snapshot;
    this.#snapshot = null;
    // First the snapshot: should the power fail behind it, it lies above the log's end and is removed; behind the reset it counts.
    if (snapshot !== null && snapshot.offset === offset) await producers.keep(offset, snapshot.bytes);
    await producers.rewind(around.clock.wallMs(), () => log.resetTo(offset));
    this.replica.boundHighWatermark();
    around.logger.info(
      { partition: name, leader: this.leader, fromEnd, offset },
      "The leader no longer has what this log lacks: it begins anew",
    );
  }

  #joined(part: pb.DataPart, bytes: Uint8Array): Uint8Array | null {
    const { chunkAt, chunkOf, baseOffset } = part;
    // The topic's own limit may have been higher when the batch came.
    if (chunkAt === 0 && chunkOf <= maxBatchBytes) this.#chunks = { baseOffset, bytes: new Uint8Array(chunkOf), filled: 0 };
    const chunks = this.#chunks;
    if (chunks === null || chunks.baseOffset !== baseOffset || chunks.filled !== chunkAt || chunkAt + bytes.length > chunks.bytes.length) {
      throw new ProtocolError(
        "CORRUPT_MESSAGE",
        `Bytes ${chunkAt} to ${chunkAt + bytes.length} of ${chunkOf} of a batch of ${this.replica.name} do not follow those before (the limit is ${maxBatchBytes})`,
      );
    }
    chunks.bytes.set(bytes, chunkAt);
    chunks.filled += bytes.length;
    if (chunks.filled < chunks.bytes.length) return null;
    this.#chunks = null;
    return chunks.bytes;
  }

  /** P18: never beyond what is committed. The producers are saved first: nothing else tells of those whose batches go. */
  async #raiseStart(): Promise<void> {
    if (this.#raisingStart) return;
    this.#raisingStart = true;
    const { log, producers, around, name } = this.replica;
    try {
      for (;;) {
        const offset = Math.min(this.#wantedStart, this.replica.highWatermark, log.endOffset);
        if (offset <= log.startOffset || this.#ended || this.#stage === "busy" || !producers.trusted) return;
        await producers.save();
        if (this.#ended || this.busy !== null) return;
        await log.deleteRecordsTo(offset);
      }
    } catch (error) {
      around.logger.warn({ partition: name, err: error }, "A follower cannot delete what its leader has deleted; it is tried again");
    } finally {
      this.#raisingStart = false;
    }
  }
}
