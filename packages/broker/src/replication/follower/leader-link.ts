import type { Session, Timer } from "@ottla/host";
import { errorName, type pb, ProtocolError, uuidFromBytes } from "@ottla/protocol";
import type { Follower } from "../../partition/follower.ts";
import { decodeFrame, encodeFrame, type ReplicationFrame } from "../frames.ts";
import { Redial, type RedialOptions } from "./redial.ts";

/** Received and not yet written; beyond it no further data frame is asked for. */
const UNWRITTEN_BYTES = 8 << 20;
const ATTACH_AT_ONCE = 1000;

export interface LeaderLinkOptions extends RedialOptions {
  /** Under which this broker is registered. */
  brokerEpoch(): number;
}

/** The one stream to a broker that leads, for all partitions that this broker follows there. */
export class LeaderLink {
  readonly #options: LeaderLinkOptions;
  readonly #followers = new Map<string, Follower>();
  readonly #toAttach = new Set<Follower>();
  readonly #moved = new Set<Follower>();
  readonly #writing = new Set<Follower>();
  readonly #redial: Redial;
  #session: Session | null = null;
  #sending: Timer | null = null;
  #framesTaken = 0;
  #framesTold = 0;

  constructor(options: LeaderLinkOptions) {
    this.#options = options;
    this.#redial = new Redial(options, (session) => this.#serve(session));
  }

  get isEmpty(): boolean {
    return this.#followers.size === 0;
  }

  add(follower: Follower): void {
    this.#followers.set(keyOf(follower.topicId, follower.replica.index), follower);
    this.attachAgain(follower);
  }

  remove(follower: Follower): void {
    const key = keyOf(follower.topicId, follower.replica.index);
    if (this.#followers.get(key) !== follower) return;
    this.#followers.delete(key);
    for (const set of [this.#toAttach, this.#moved, this.#writing]) set.delete(follower);
    this.#tellDetached(follower);
    // What it had not written yet holds up no other partition any more.
    this.#sendSoon();
  }

  attachAgain(follower: Follower): void {
    this.#toAttach.add(follower);
    this.#sendSoon();
  }

  progressed(follower: Follower): void {
    this.#moved.add(follower);
    this.#sendSoon();
  }

  /** The leader may be reached, or may serve, what it did not before. */
  wake(): void {
    this.#redial.wake();
  }

  async close(): Promise<void> {
    this.#redial.stop();
    this.#sending?.cancel();
    this.#session?.close();
    await this.#redial.ended;
  }

  /** P14: what comes on a session that is over is seen by nobody. */
  async #serve(session: Session): Promise<void> {
    this.#session = session;
    this.#framesTaken = this.#framesTold = 0;
    try {
      for (const follower of this.#followers.values()) this.#toAttach.add(follower);
      this.#send();
      for await (const bytes of session.frames) {
        if (this.#redial.stopped) return;
        this.#receive(decodeFrame(bytes));
      }
    } catch (error) {
      session.close({ code: "INVALID_REQUEST", message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      this.#session = null;
      session.close();
      for (const follower of this.#followers.values()) follower.away();
    }
  }

  #receive(frame: ReplicationFrame): void {
    switch (frame.kind) {
      case "data":
        return this.#data(frame.header, frame.body);
      case "watermarks":
        for (const each of frame.header.partitions) this.#find(each)?.committed(each.highWatermark, each.logStartOffset);
        return;
      case "producers":
        return this.#with(frame.header, (follower) => follower.producers(frame.header.offset, frame.body));
      case "from":
        for (const each of frame.header.partitions) this.#with(each, (follower) => follower.from(each));
        return;
      case "diverged":
        for (const each of frame.header.partitions) this.#with(each, (follower) => follower.diverged(each));
        return;
      case "gap":
        return this.#with(frame.header, (follower) => follower.gap(frame.header));
      case "refused":
        for (const each of frame.header.partitions) this.#refused(each);
        return;
      default:
        throw new ProtocolError("INVALID_REQUEST", `A leader does not send frames of kind ${frame.kind}`);
    }
  }

  #data({ parts }: pb.ReplicationData, body: Uint8Array): void {
    const nowMs = this.#options.clock.wallMs();
    let at = 0;
    for (const part of parts) {
      const end = at + part.sizeBytes;
      if (end > body.length) throw new ProtocolError("INVALID_REQUEST", `A data frame says ${end} bytes or more and has ${body.length}`);
      const bytes = body.subarray(at, end);
      this.#with(part, (follower) => {
        follower.append(part, bytes, nowMs);
        this.#writing.add(follower);
      });
      at = end;
    }
    this.#framesTaken++;
    this.#sendSoon();
  }

  #refused(refused: pb.RefusedPartition): void {
    const follower = this.#find(refused);
    if (follower === undefined) return;
    this.#toAttach.delete(follower);
    follower.troubled(new ProtocolError(errorName(refused.errorCode), refused.errorMessage));
  }

  /** One partition's trouble is no other's: it leaves the stream, and asks again later. */
  #with(part: Pick<pb.DataPart, "topicId" | "partition" | "leaderEpoch">, take: (follower: Follower) => void): void {
    const follower = this.#find(part);
    if (follower === undefined) return;
    try {
      take(follower);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const { logger, leader } = this.#options;
      logger.warn({ partition: follower.replica.name, leader, err: error }, "What came from a leader cannot be taken: it is asked again");
      this.#toAttach.delete(follower);
      this.#tellDetached(follower);
      follower.troubled(error);
    }
  }

  /** Null for what is meant for another leader epoch, or for a partition that is followed no more. */
  #find({ topicId, partition, leaderEpoch }: Pick<pb.DataPart, "topicId" | "partition" | "leaderEpoch">): Follower | undefined {
    const follower = this.#followers.get(keyOf(topicId, partition));
    return follower?.epoch === leaderEpoch ? follower : undefined;
  }

  #tellDetached({ topicId, replica: { index: partition } }: Follower): void {
    this.#session?.send(encodeFrame("detach", { partitions: [{ topicId, partition }] })).catch(() => {});
  }

  #sendSoon(): void {
    if (this.#session === null) return;
    this.#sending ??= this.#options.clock.soon(() => {
      this.#sending = null;
      this.#send();
    });
  }

  #send(): void {
    const session = this.#session;
    if (session === null) return;
    this.#tellProgress(session);
    if (this.#toAttach.size === 0) return;
    const brokerEpoch = this.#options.brokerEpoch();
    const wishes = [...this.#toAttach].flatMap((follower) => follower.ask(brokerEpoch) ?? []);
    this.#toAttach.clear();
    for (let at = 0; at < wishes.length; at += ATTACH_AT_ONCE)
      session.send(encodeFrame("attach", { partitions: wishes.slice(at, at + ATTACH_AT_ONCE) })).catch(() => {});
  }

  #tellProgress(session: Session): void {
    const partitions = [...this.#moved].flatMap((follower) => follower.progress() ?? []);
    this.#moved.clear();
    if (this.#framesTold < this.#framesTaken && this.#hasRoom()) this.#framesTold = this.#framesTaken;
    else if (partitions.length === 0) return;
    session.send(encodeFrame("progress", { partitions, framesTaken: this.#framesTold })).catch(() => {});
  }

  /** Whether what was received is with the disk, about. */
  #hasRoom(): boolean {
    let bytes = 0;
    for (const follower of this.#writing) {
      const { pendingBytes } = follower;
      if (pendingBytes === 0) this.#writing.delete(follower);
      bytes += pendingBytes;
    }
    return bytes <= UNWRITTEN_BYTES;
  }
}

function keyOf(topicId: Uint8Array, partition: number): string {
  return `${uuidFromBytes(topicId)}-${partition}`;
}
