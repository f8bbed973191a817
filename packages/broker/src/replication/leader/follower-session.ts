import type { Clock, Logger, Session, Timer } from "@ottla/host";
import { LogDamagedError } from "@ottla/log";
import { type pb, ProtocolError, type Uuid, uuidFromBytes } from "@ottla/protocol";
import type { Leader } from "../../partition/leader.ts";
import type { Partition } from "../../partition/partition.ts";
import { decodeFrame, encodeFrame } from "../frames.ts";
import { answerAttach } from "./answer.ts";
import { Attachment, type AttachmentOwner, type Piece } from "./attachment.ts";
import { refusedPartition } from "./refused.ts";
import { Throttle } from "./throttle.ts";

const FRAME_BYTES = 1 << 20;
/** Data frames sent and not yet taken in: the rest joins the next one, so that small batches travel together while the follower works. */
const FRAMES_IN_FLIGHT = 2;
/** Reads from the disk at a time for one follower, each of a frame's size: what a follower that lags costs its leader. */
const READS_AT_ONCE = 2;
/** Partitions asked for before this broker knows that it leads them. */
const EARLY_MAX = 50_000;
/** A watermark that goes with no data waits this long for others. */
const WATERMARK_MS = 40;

export interface FollowerSessionOptions {
  readonly session: Session;
  readonly nodeId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  find(topicId: Uuid, index: number): Partition | undefined;
  /** The epoch under which the follower is registered, null if this broker does not know it yet. */
  brokerEpoch(): number | null;
}

/** Feeds one follower all partitions that it wants from this broker, on the stream that it opened. */
export class FollowerSession implements AttachmentOwner {
  readonly #options: FollowerSessionOptions;
  readonly #attachments = new Map<string, Attachment>();
  /** Asked of this broker before it heard that it leads, or by a follower whose registration it has not heard of. */
  readonly #early = new Map<string, pb.AttachPartition>();
  /** The newest question about each partition that is not answered yet. */
  readonly #asked = new Map<string, pb.AttachPartition>();
  #queue: Attachment[] = [];
  readonly #throttle: Throttle;
  #pumping: Timer | null = null;
  #watermarkTimer: Timer | null = null;
  #throttleTimer: Timer | null = null;
  #tellingWatermarks = false;
  readonly #moved = new Set<Attachment>();
  #framesSent = 0;
  #framesTaken = 0;
  #reads = 0;
  #ended = false;

  constructor(options: FollowerSessionOptions) {
    this.#options = options;
    this.#throttle = new Throttle(options.clock);
  }

  /** Serves the session until it ends. */
  async run(): Promise<void> {
    const { session, nodeId, logger } = this.#options;
    try {
      for await (const bytes of session.frames) {
        const frame = decodeFrame(bytes);
        if (frame.kind === "attach") for (const wish of frame.header.partitions) await this.#attach(wish);
        else if (frame.kind === "detach") for (const each of frame.header.partitions) this.#detach(keyOf(each));
        else if (frame.kind === "progress") this.#progressed(frame.header);
        else throw new ProtocolError("INVALID_REQUEST", `A follower does not send frames of kind ${frame.kind}`);
      }
    } catch (error) {
      logger.warn({ broker: nodeId, err: error }, "The session of a follower is ended for what it sent");
      session.close({ code: "INVALID_REQUEST", message: error instanceof Error ? error.message : String(error) });
    }
    this.end();
  }

  /** This broker has heard news: what came too early may be answered now. */
  retryEarly(): void {
    if (this.#early.size === 0) return;
    const wishes = [...this.#early.values()];
    this.#early.clear();
    for (const wish of wishes) void this.#attach(wish);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#pumping?.cancel();
    this.#watermarkTimer?.cancel();
    this.#throttleTimer?.cancel();
    for (const key of [...this.#attachments.keys()]) this.#detach(key);
    this.#early.clear();
    this.#asked.clear();
    this.#queue = [];
    this.#options.session.close();
  }

  ready(attachment: Attachment): void {
    if (attachment.queued || this.#ended) return;
    attachment.queued = true;
    this.#queue.push(attachment);
    this.#pumpSoon();
  }

  moved(attachment: Attachment): void {
    this.#moved.add(attachment);
    this.#watermarkTimer ??= this.#options.clock.after(WATERMARK_MS, () => this.#tellWatermarks());
  }

  ended(attachment: Attachment): void {
    if (this.#attachments.get(attachment.key) === attachment) this.#detach(attachment.key);
  }

  /** P14: what is meant for another epoch than this broker leads in has no effect. */
  async #attach(wish: pb.AttachPartition): Promise<void> {
    const { find, brokerEpoch, nodeId } = this.#options;
    const key = keyOf(wish);
    this.#detach(key);
    this.#asked.set(key, wish);
    const topicId = uuidFromBytes(wish.topicId);
    const leader = find(topicId, wish.partition)?.leader ?? null;
    const registered = brokerEpoch();
    if (leader === null || leader.epoch < wish.leaderEpoch || registered === null || registered < wish.brokerEpoch) {
      // The follower has heard of a newer state of the cluster: this broker soon will.
      return this.#retryLater(key, wish);
    }
    if (leader.epoch > wish.leaderEpoch || registered !== wish.brokerEpoch || !leader.record.replicas.includes(nodeId)) {
      const what = `epoch ${wish.leaderEpoch} and broker epoch ${wish.brokerEpoch}; here they are ${leader.epoch} and ${registered}`;
      return this.#refuse(wish, new ProtocolError("FENCED_LEADER_EPOCH", `Broker ${nodeId} asks for ${leader.replica.name} with ${what}`));
    }
    try {
      const answer = await answerAttach(leader.replica.log, wish);
      if (this.#asked.get(key) !== wish) return;
      this.#asked.delete(key);
      if (this.#ended || find(topicId, wish.partition)?.leader !== leader) return this.#retryLater(key, wish);
      this.#answer(key, wish, leader, answer);
    } catch (error) {
      this.#refuse(wish, error);
    }
  }

  #retryLater(key: string, wish: pb.AttachPartition): void {
    this.#asked.delete(key);
    if (this.#ended) return;
    if (this.#early.size < EARLY_MAX) this.#early.set(key, { ...wish, topicId: wish.topicId.slice() });
    else this.#refuse(wish, new ProtocolError("UNKNOWN_LEADER_EPOCH", `${EARLY_MAX} partitions wait here already to be led: ask again`));
  }

  #answer(key: string, wish: pb.AttachPartition, leader: Leader, answer: Awaited<ReturnType<typeof answerAttach>>): void {
    const { replica, epoch: leaderEpoch } = leader;
    const id = { topicId: wish.topicId.slice(), partition: wish.partition, leaderEpoch };
    if (answer.kind === "diverged")
      return this.#send(encodeFrame("diverged", { partitions: [{ ...id, epoch: answer.epoch, endOffset: answer.endOffset }] }));
    const { offset } = answer;
    const startAnew = answer.kind === "anew";
    if (startAnew && offset > 0) {
      // What is known of producers is wrong while the log recovers.
      if (!replica.producers.trusted) return this.#retryLater(key, wish);
      this.#send(encodeFrame("producers", { ...id, offset }, [replica.producers.snapshotAt(offset)]));
    }
    const from = { ...id, offset, startAnew, highWatermark: replica.highWatermark, logStartOffset: replica.log.startOffset };
    this.#send(encodeFrame("from", { partitions: [from] }));
    if (startAnew) return;
    const progress = { endOffset: Math.min(wish.endOffset, offset), durableOffset: Math.min(wish.durableOffset, offset) };
    const remote = leader.inSync.attach(this.#options.nodeId, wish.brokerEpoch, progress);
    const attachment = new Attachment(key, id.topicId, leader, remote, offset, this);
    attachment.told();
    this.#attachments.set(key, attachment);
    leader.addFeed(attachment);
    leader.advance();
    if (attachment.hasMore) this.ready(attachment);
  }

  #detach(key: string): void {
    this.#early.delete(key);
    this.#asked.delete(key);
    const attachment = this.#attachments.get(key);
    if (attachment === undefined) return;
    this.#attachments.delete(key);
    this.#moved.delete(attachment);
    attachment.leader.removeFeed(attachment);
    attachment.remote.attached = false;
  }

  #progressed({ partitions, framesTaken }: pb.ReplicationProgress): void {
    if (framesTaken > this.#framesSent)
      throw new ProtocolError("INVALID_REQUEST", `A follower has taken ${framesTaken} frames of ${this.#framesSent} that were sent`);
    this.#framesTaken = Math.max(this.#framesTaken, framesTaken);
    for (const progress of partitions) {
      const attachment = this.#attachments.get(keyOf(progress));
      if (attachment === undefined || attachment.leader.epoch !== progress.leaderEpoch) continue;
      attachment.progressed(progress);
      if (attachment.hasMore) this.ready(attachment);
    }
    this.#pump();
  }

  /** What a turn brings goes out together. */
  #pumpSoon(): void {
    this.#pumping ??= this.#options.clock.soon(() => {
      this.#pumping = null;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#ended && this.#framesSent - this.#framesTaken < FRAMES_IN_FLIGHT && this.#queue.length > 0) {
      const pieces = this.#gather();
      if (pieces.length === 0) return;
      this.#framesSent++;
      const bodies: Uint8Array[] = [];
      for (const piece of pieces) for (const body of piece.bodies) bodies.push(body);
      this.#send(encodeFrame("data", { parts: pieces.map(({ part }) => part) }, bodies));
    }
  }

  /** One frame's worth, each partition in its turn. */
  #gather(): Piece[] {
    const pieces: Piece[] = [];
    let room = FRAME_BYTES;
    const again: Attachment[] = [];
    for (let left = this.#queue.length; left > 0 && room > 0; left--) {
      const attachment = this.#queue.shift();
      if (attachment === undefined) break;
      if (this.#attachments.get(attachment.key) !== attachment) continue;
      if (this.#isThrottled(attachment)) {
        attachment.queued = false;
        continue;
      }
      const taken = attachment.take(room, pieces.length === 0);
      if (taken === "later") {
        // It is the first of the next frame.
        this.#queue.unshift(attachment);
        break;
      }
      if (taken === "read" && this.#reads >= READS_AT_ONCE) {
        again.push(attachment);
        continue;
      }
      attachment.queued = false;
      if (taken === "read") void this.#read(attachment);
      if (typeof taken === "string") continue;
      pieces.push(taken);
      room -= taken.part.sizeBytes;
      attachment.leader.replica.traffic.replicatedOut(taken.part.sizeBytes);
      if (this.#rateOf(attachment) > 0) this.#throttle.charge(taken.part.sizeBytes);
      if (attachment.hasMore) {
        attachment.queued = true;
        again.push(attachment);
      }
    }
    this.#queue.push(...again);
    return pieces;
  }

  async #read(attachment: Attachment): Promise<void> {
    this.#reads++;
    try {
      await attachment.read(FRAME_BYTES);
    } catch (error) {
      if (this.#attachments.get(attachment.key) === attachment) {
        this.#detach(attachment.key);
        const { replica, epoch } = attachment.leader;
        this.#refuse({ topicId: Buffer.from(replica.topicId, "hex"), partition: replica.index, leaderEpoch: epoch }, error);
        if (error instanceof LogDamagedError) attachment.leader.inSync.review();
      }
    } finally {
      this.#reads--;
      if (this.#attachments.get(attachment.key) === attachment) this.ready(attachment);
      else this.#pumpSoon();
    }
  }

  #rateOf({ leader }: Attachment): number {
    const { adding, addingRate } = leader.record;
    return addingRate > 0 && adding.includes(this.#options.nodeId) ? addingRate : 0;
  }

  #isThrottled(attachment: Attachment): boolean {
    const rate = this.#rateOf(attachment);
    const waitMs = rate === 0 ? 0 : this.#throttle.waitMs(rate);
    if (waitMs <= 0) return false;
    this.#throttleTimer ??= this.#options.clock.after(waitMs, () => {
      this.#throttleTimer = null;
      for (const each of this.#attachments.values()) if (each.hasMore) this.ready(each);
    });
    return true;
  }

  #tellWatermarks(): void {
    this.#watermarkTimer = null;
    if (this.#tellingWatermarks) {
      // The follower takes nothing at present.
      this.#watermarkTimer = this.#options.clock.after(WATERMARK_MS, () => this.#tellWatermarks());
      return;
    }
    const partitions = [...this.#moved].flatMap((attachment) => attachment.watermark() ?? []);
    this.#moved.clear();
    if (partitions.length === 0) return;
    this.#tellingWatermarks = true;
    this.#options.session
      .send(encodeFrame("watermarks", { partitions }))
      .catch(() => {})
      .finally(() => (this.#tellingWatermarks = false));
  }

  #refuse(wish: Pick<pb.AttachPartition, "topicId" | "partition" | "leaderEpoch">, error: unknown): void {
    if (this.#ended) return;
    this.#send(encodeFrame("refused", { partitions: [refusedPartition(wish, error)] }));
  }

  #send(frame: readonly Uint8Array[]): void {
    // Who reads the session hears of its end.
    this.#options.session.send(frame).catch(() => {});
  }
}

function keyOf({ topicId, partition }: { readonly topicId: Uint8Array; readonly partition: number }): string {
  return `${uuidFromBytes(topicId)}-${partition}`;
}
