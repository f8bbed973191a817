import type { Clock, Logger, Session } from "@ottla/host";
import { type pb, ProtocolError, type Uuid, uuidFromBytes, uuidToBytes } from "@ottla/protocol";
import type { Leader } from "../../partition/leader.ts";
import type { Partition } from "../../partition/partition.ts";
import { decodeFrame, encodeFrame } from "../frames.ts";
import { type AttachAnswer, answerAttach } from "./answer.ts";
import { Attachment } from "./attachment.ts";
import { EarlyWishes } from "./early-wishes.ts";
import { offerGap } from "./gaps.ts";
import { refusedPartition } from "./refused.ts";
import { Sender } from "./sender.ts";

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
export class FollowerSession {
  readonly #options: FollowerSessionOptions;
  readonly #sender: Sender;
  readonly #attachments = new Map<string, Attachment>();
  readonly #early = new EarlyWishes();
  /** The newest question about each partition that is not answered yet. */
  readonly #asked = new Map<string, pb.AttachPartition>();
  #ended = false;

  constructor(options: FollowerSessionOptions) {
    this.#options = options;
    const { session, nodeId, clock } = options;
    this.#sender = new Sender({
      session,
      nodeId,
      clock,
      isFed: (attachment) => this.#isFed(attachment),
      ended: (attachment) => this.#stop(attachment),
      unreadable: (attachment, error) => void this.#unreadable(attachment, error),
    });
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
    for (const wish of this.#early.take()) void this.#attach(wish);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sender.end();
    for (const key of [...this.#attachments.keys()]) this.#detach(key);
    this.#early.take();
    this.#asked.clear();
    this.#options.session.close();
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
    const refusal = this.#early.add(key, wish);
    if (refusal !== null) this.#refuse(wish, refusal);
  }

  #answer(key: string, wish: pb.AttachPartition, leader: Leader, answer: AttachAnswer): void {
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
    const { nodeId } = this.#options;
    // In the turn in which what it says of itself is noted: nobody proposes it between.
    const outOfSync = !leader.inSync.maximal.includes(nodeId) && !leader.record.elr.includes(nodeId);
    const { highWatermark, log } = replica;
    const from = { ...id, offset, startAnew, highWatermark, logStartOffset: log.startOffset, outOfSync };
    this.#send(encodeFrame("from", { partitions: [from] }));
    if (startAnew) return;
    const { startOffset, relaxed, damaged } = wish;
    const remote = leader.inSync.attach(nodeId, wish.brokerEpoch, {
      endOffset: Math.min(wish.endOffset, offset),
      durableOffset: Math.min(wish.durableOffset, offset),
      startOffset,
      relaxed,
      damaged,
    });
    const attachment = new Attachment(key, id.topicId, leader, remote, offset, this.#sender);
    attachment.told();
    this.#attachments.set(key, attachment);
    leader.addFeed(attachment);
    leader.deletions.review();
    leader.advance();
    if (attachment.hasMore) this.#sender.ready(attachment);
  }

  #progressed({ partitions, framesTaken }: pb.ReplicationProgress): void {
    const { framesSent } = this.#sender;
    if (framesTaken > framesSent)
      throw new ProtocolError("INVALID_REQUEST", `A follower has taken ${framesTaken} frames of ${framesSent} that were sent`);
    for (const progress of partitions) {
      const attachment = this.#attachments.get(keyOf(progress));
      if (attachment === undefined || attachment.leader.epoch !== progress.leaderEpoch) continue;
      const refusal = attachment.progressed(progress);
      if (refusal !== null) {
        this.#options.logger.warn({ broker: this.#options.nodeId, err: refusal }, "What a follower tells cannot be");
        this.#stopFor(attachment, refusal);
      } else if (attachment.hasMore) this.#sender.ready(attachment);
    }
    this.#sender.taken(framesTaken);
  }

  /** Its log lacks what comes next, or its disk fails. */
  async #unreadable(attachment: Attachment, error: unknown): Promise<void> {
    try {
      const gap = await offerGap(attachment, error);
      if (!this.#isFed(attachment)) return;
      if (gap === null) return this.#stopFor(attachment, error);
      this.#stop(attachment);
      // The follower asks again once its log has stepped over it.
      this.#send(encodeFrame("gap", gap));
    } catch (failure) {
      if (this.#isFed(attachment)) this.#stopFor(attachment, failure);
    }
  }

  #isFed(attachment: Attachment): boolean {
    return this.#attachments.get(attachment.key) === attachment;
  }

  #stop(attachment: Attachment): void {
    if (this.#isFed(attachment)) this.#detach(attachment.key);
  }

  #detach(key: string): void {
    this.#early.delete(key);
    this.#asked.delete(key);
    const attachment = this.#attachments.get(key);
    if (attachment === undefined) return;
    this.#attachments.delete(key);
    this.#sender.detached(attachment);
    attachment.leader.removeFeed(attachment);
    attachment.remote.attached = false;
  }

  /** One partition's trouble is no other's. The follower asks again, and tells when it is stuck. */
  #stopFor(attachment: Attachment, error: unknown): void {
    const { replica, epoch: leaderEpoch } = attachment.leader;
    const { logger, nodeId } = this.#options;
    this.#stop(attachment);
    logger.debug(
      { partition: replica.name, broker: nodeId, leaderEpoch, err: error },
      "A follower is not fed any more until it asks again",
    );
    this.#refuse({ topicId: uuidToBytes(replica.topicId), partition: replica.index, leaderEpoch }, error);
  }

  #refuse(wish: Pick<pb.AttachPartition, "topicId" | "partition" | "leaderEpoch">, error: unknown): void {
    if (!this.#ended) this.#send(encodeFrame("refused", { partitions: [refusedPartition(wish, error)] }));
  }

  #send(frame: readonly Uint8Array[]): void {
    // Who reads the session hears of its end.
    this.#options.session.send(frame).catch(() => {});
  }
}

function keyOf({ topicId, partition }: { readonly topicId: Uint8Array; readonly partition: number }): string {
  return `${uuidFromBytes(topicId)}-${partition}`;
}
