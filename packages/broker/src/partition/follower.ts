import { batches, type pb, ProtocolError, uuidToBytes } from "@ottla/protocol";
import { Chunks } from "./chunks.ts";
import { StartRaiser } from "./raise-start.ts";
import { beginAnew, cutAt, type ProducersAt, skipGap } from "./realign.ts";
import type { Replica } from "./replica.ts";
import { Retry } from "./retry.ts";

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
  /** Neither in sync nor eligible: what its log has lost may be taken from the others. */
  #suspect = false;
  /** The leader was told so when it was asked last. */
  #toldDamaged = false;
  #snapshot: ProducersAt | null = null;
  readonly #chunks = new Chunks();
  readonly #start: StartRaiser;
  /** What changes the log in ways that nothing may be appended meanwhile. */
  #work: Promise<void> = Promise.resolve();
  readonly #retry: Retry;
  readonly #onFailed: () => void;

  /** @param onFailed what the log holds must be read again before it can go on */
  constructor(replica: Replica, record: pb.PartitionRecord, onFailed: () => void) {
    this.replica = replica;
    this.#onFailed = onFailed;
    this.leader = record.leader;
    this.epoch = record.leaderEpoch;
    this.topicId = uuidToBytes(replica.topicId);
    this.#retry = new Retry(replica, this.leader, () => this.#askAgain());
    this.#start = new StartRaiser(replica, () => !this.#ended && this.#stage !== "busy");
  }

  /** Whether nothing else may take the role yet, and when it may. */
  get busy(): Promise<void> | null {
    return this.#stage === "busy" ? this.#work : null;
  }

  /** Begins to be fed.
   * @param suspect as in {@link update} */
  start(suspect: boolean): void {
    this.replica.around.peers.follow(this);
    this.update(suspect);
  }

  /** @param suspect it counts neither as in sync nor as eligible: should its log have damage, all from there on is fetched anew */
  update(suspect: boolean): void {
    this.#suspect = suspect;
    this.#toldDamaged = false;
    this.#mend();
  }

  end(): void {
    this.#ended = true;
    this.#snapshot = null;
    this.#chunks.drop();
    this.#retry.cancel();
    this.replica.around.peers.unfollow(this);
  }

  /** The question to the leader, null while it cannot be asked. */
  ask(brokerEpoch: number): pb.AttachPartition | null {
    const { log, producers } = this.replica;
    if (this.#ended || this.#stage === "busy" || !producers.trusted) return null;
    // What is not written does not count as held; when it is, this is asked again.
    if (log.writtenOffset < log.endOffset) return null;
    this.#stage = "asking";
    this.#retry.cancel();
    this.#chunks.drop();
    this.#toldDamaged = log.isDamaged;
    return { ...this.#held(), lastEpoch: log.lastBatchEpoch, brokerEpoch };
  }

  /** The session has ended. */
  away(): void {
    if (this.#stage !== "busy") this.#stage = "away";
    this.#snapshot = null;
    this.#chunks.drop();
  }

  /** It cannot go on for now: the leader refuses it, or what came from there cannot be taken. The others on the stream go on. */
  troubled(why: Error): void {
    if (this.#ended || this.#stage === "busy") return;
    this.away();
    this.#retry.later(why.message);
  }

  /** null while the leader need not know: it is not fed. */
  progress(): pb.ReplicaProgress | null {
    return this.#stage === "fed" ? this.#held() : null;
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
    if (answer.startAnew) {
      const snapshot = this.#snapshot;
      this.#snapshot = null;
      return this.#change(() => beginAnew(this.replica, answer.offset, snapshot, this));
    }
    if (answer.offset !== this.replica.log.endOffset) return this.#askAgain();
    this.#stage = "fed";
    if (this.#suspect && this.#toldDamaged && this.#cutDamage(answer.outOfSync)) return;
    this.#mend();
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
    this.#change(() => cutAt(this.replica, offset, this));
  }

  /** Appends what follows the log's end, byte for byte (P5).
   * @throws ProtocolError CORRUPT_MESSAGE for what cannot be a part of the leader's log */
  append(part: pb.DataPart, bytes: Uint8Array, nowMs: number): void {
    if (this.#stage !== "fed") return;
    const { log, producers, name } = this.replica;
    if (!producers.trusted) return this.#fail();
    if (part.baseOffset !== log.endOffset) return this.#askAgain();
    const whole = part.chunkOf === 0 ? bytes : this.#chunks.join(part, bytes, name);
    this.replica.traffic.replicatedIn(bytes.length);
    if (whole === null) return;
    for (const { header, bytes: batch } of batches(whole)) {
      if (header.leaderEpoch > this.epoch)
        throw new ProtocolError("CORRUPT_MESSAGE", `A batch of epoch ${header.leaderEpoch} of ${name} came in epoch ${this.epoch}`);
      log.replicate(batch, header);
      producers.record(header, header.baseOffset, nowMs, header.timestampType === "append" ? header.maxTimestamp : -1);
    }
    this.#retry.succeeded();
    this.committed(part.highWatermark, part.logStartOffset);
  }

  /** The leader's log lacks what comes next, and so does everybody's. */
  gap({ fromOffset: from, untilOffset: until, epochs, accepted }: pb.ReplicationGap): void {
    if (this.#stage !== "fed") return;
    if (from !== this.replica.log.endOffset || until <= from) return this.#askAgain();
    this.#change(() => skipGap(this.replica, { from, until, epochs, accepted }, this));
  }

  /** What the leader says of its high watermark and its log's start. */
  committed(highWatermark: number, logStartOffset: number): void {
    if (this.#stage !== "fed") return;
    this.replica.raiseHighWatermark(Math.min(highWatermark, this.replica.log.endOffset));
    this.#start.wants(logStartOffset);
  }

  /** The log has failed, takes writes again, was found damaged, or moved on. */
  logChanged(): void {
    if (!this.replica.producers.trusted) {
      this.#fail();
      // What waited for the disk holds up no other partition any more.
      this.replica.around.peers.progressed(this);
    } else if (this.#stage === "away") {
      if (!this.#retry.waiting) this.#askAgain();
    } else this.replica.around.peers.progressed(this);
    this.#mend();
  }

  #held(): pb.ReplicaProgress {
    const { log, index: partition, settings } = this.replica;
    return {
      topicId: this.topicId,
      partition,
      leaderEpoch: this.epoch,
      endOffset: log.writtenOffset,
      durableOffset: log.durableOffset,
      startOffset: log.durableStart,
      // From `commit` on it forgets as soon as what it had until then is synced: a leader that has not heard of it yet may count no more on it.
      relaxed: log.relaxed && settings.flushPolicy.kind !== "commit",
      damaged: log.isDamaged,
    };
  }

  /** What is cut may be counted on: as in sync the leader must drop it first. That it has, or has never taken it in, it says when it is asked. */
  #mend(): void {
    if (this.#suspect && this.replica.log.isDamaged && !this.#toldDamaged && this.#stage === "fed") this.#askAgain();
  }

  /** @param outOfSync for as long as it says that it is damaged
   * @returns whether it is being cut */
  #cutDamage(outOfSync: boolean): boolean {
    const { log } = this.replica;
    const [damaged] = log.damaged;
    if (damaged === undefined) return false;
    if (outOfSync) this.#change(() => cutAt(this.replica, Math.max(damaged.from, log.startOffset), this));
    else this.#retry.later("its log is damaged, and its leader still counts on it");
    return outOfSync;
  }

  #fail(): void {
    if (this.#stage !== "busy") this.#stage = "away";
  }

  #askAgain(): void {
    this.#stage = "away";
    this.#retry.cancel();
    if (!this.#ended) this.replica.around.peers.attachAgain(this);
  }

  #change(job: () => Promise<void>): void {
    this.#stage = "busy";
    this.#chunks.drop();
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
    else if (!this.#ended) this.#retry.later(error instanceof Error ? error.message : String(error));
  }
}
