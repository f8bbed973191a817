import { type pb, ProtocolError, readBatchHeader } from "@ottla/protocol";
import type { Feed, Leader } from "../../partition/leader.ts";
import type { RemoteReplica } from "../../partition/remote-replica.ts";

/** Bytes of one partition that may be sent beyond what the follower has written: one slow log holds up no other. */
const CREDIT_BYTES = 4 << 20;

/** A piece of a data frame. */
export interface Piece {
  readonly part: pb.DataPart;
  readonly bodies: readonly Uint8Array[];
}

export interface AttachmentOwner {
  /** It has, or may have, something to send. */
  ready(attachment: Attachment): void;
  /** Its watermark or its log's start moved. */
  moved(attachment: Attachment): void;
  ended(attachment: Attachment): void;
}

/** One partition on its way to one follower, in one leader epoch and on one session. */
export class Attachment implements Feed {
  readonly key: string;
  readonly leader: Leader;
  readonly remote: RemoteReplica;
  readonly #topicId: Uint8Array;
  readonly #owner: AttachmentOwner;
  /** In the line of those that have something to send. */
  queued = false;
  /** A read from the disk is under way. */
  reading = false;
  nextOffset: number;
  /** Sent, and not yet written by the follower: the end of each piece and its bytes. */
  #sent: { readonly endOffset: number; readonly bytes: number }[] = [];
  #outstanding = 0;
  #staged: { readonly parts: readonly Uint8Array[]; readonly bytes: number; readonly nextOffset: number } | null = null;
  /** Bytes of the staged batch that have gone, when it is larger than a frame. */
  #chunkAt = 0;
  #toldHighWatermark = -1;
  #toldStart = -1;

  constructor(key: string, topicId: Uint8Array, leader: Leader, remote: RemoteReplica, nextOffset: number, owner: AttachmentOwner) {
    this.key = key;
    this.#topicId = topicId;
    this.leader = leader;
    this.remote = remote;
    this.nextOffset = nextOffset;
    this.#owner = owner;
  }

  grown(): void {
    this.#owner.ready(this);
  }

  committed(): void {
    this.#owner.moved(this);
  }

  ended(): void {
    this.#owner.ended(this);
  }

  /** The follower has written up to here.
   * @returns what is wrong with it, if so: nothing of that was sent */
  progressed(progress: pb.ReplicaProgress): ProtocolError | null {
    // Taken out one by one: the frame is not kept.
    const { endOffset, durableOffset, startOffset, relaxed, damaged } = progress;
    if (endOffset > this.nextOffset || durableOffset > endOffset) {
      return new ProtocolError(
        "INVALID_REQUEST",
        `A follower says that it holds ${this.leader.replica.name} up to offset ${endOffset}, durably ${durableOffset}, where ${this.nextOffset} was sent`,
      );
    }
    while (this.#sent[0] !== undefined && this.#sent[0].endOffset <= endOffset) this.#outstanding -= this.#sent.shift()?.bytes ?? 0;
    this.leader.followerProgressed(this.remote, { endOffset, durableOffset, startOffset, relaxed, damaged });
    return null;
  }

  get hasMore(): boolean {
    return this.nextOffset < this.leader.replica.log.writtenOffset && (this.#outstanding < CREDIT_BYTES || this.#outstanding === 0);
  }

  /** The next piece of at most `room` bytes. "later": it does not fit beside what is in the frame. "read": it must be read from the disk.
   * @param alone the frame is empty, so a batch that is larger begins to go in chunks */
  take(room: number, alone: boolean): Piece | "nothing" | "later" | "read" {
    const { log } = this.leader.replica;
    if (!this.hasMore) return "nothing";
    const limit = Math.min(room, CREDIT_BYTES - this.#outstanding);
    const piece = this.#staged ?? log.recent({ from: this.nextOffset, until: log.writtenOffset, maxBytes: limit });
    if (piece === null) return this.reading ? "nothing" : "read";
    const [first] = piece.parts;
    if (first === undefined || this.#beginsElsewhere(first)) return "read";
    if (piece.bytes > CREDIT_BYTES - this.#outstanding && this.#outstanding > 0) return "nothing";
    if (piece.bytes <= room && this.#chunkAt === 0) {
      this.#staged = null;
      return this.#whole(piece);
    }
    if (!alone) return "later";
    this.#staged = piece;
    return this.#chunk(piece, room);
  }

  /** Reads ahead what is only on the disk.
   * @throws ProtocolError OFFSET_OUT_OF_RANGE when the log has not got it (any more), LogDamagedError */
  async read(maxBytes: number): Promise<void> {
    this.reading = true;
    try {
      const { log } = this.leader.replica;
      const from = this.nextOffset;
      const piece = await log.read({ from: Math.max(from, log.startOffset), until: log.writtenOffset, maxBytes });
      if (this.nextOffset !== from) return;
      const [first] = piece.parts;
      if (first !== undefined && this.#beginsElsewhere(first))
        throw new ProtocolError("OFFSET_OUT_OF_RANGE", `Offset ${from} of ${this.leader.replica.name} is no longer there`);
      if (first !== undefined) this.#staged = piece;
    } finally {
      this.reading = false;
    }
  }

  /** Null when the follower knows it already. */
  watermark(): pb.Watermark | null {
    const { highWatermark, log } = this.leader.replica;
    if (highWatermark === this.#toldHighWatermark && log.startOffset === this.#toldStart) return null;
    this.told();
    return {
      topicId: this.#topicId,
      partition: this.leader.replica.index,
      leaderEpoch: this.leader.epoch,
      highWatermark,
      logStartOffset: log.startOffset,
    };
  }

  told(): void {
    this.#toldHighWatermark = this.leader.replica.highWatermark;
    this.#toldStart = this.leader.replica.log.startOffset;
  }

  #beginsElsewhere(first: Uint8Array): boolean {
    return readBatchHeader(first).baseOffset !== this.nextOffset;
  }

  #whole({ parts, bytes, nextOffset }: { parts: readonly Uint8Array[]; bytes: number; nextOffset: number }): Piece {
    const part = this.#part(bytes, 0, 0);
    this.#passed(nextOffset, bytes);
    return { part, bodies: parts };
  }

  #chunk({ parts, bytes, nextOffset }: { parts: readonly Uint8Array[]; bytes: number; nextOffset: number }, room: number): Piece {
    const batch = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    const at = this.#chunkAt;
    const body = batch.subarray(at, Math.min(bytes, at + room));
    const part = this.#part(body.length, at, bytes);
    this.#chunkAt += body.length;
    if (this.#chunkAt === bytes) {
      this.#chunkAt = 0;
      this.#staged = null;
      this.#passed(nextOffset, bytes);
    }
    return { part, bodies: [body] };
  }

  #part(sizeBytes: number, chunkAt: number, chunkOf: number): pb.DataPart {
    const { replica, epoch } = this.leader;
    this.told();
    return {
      topicId: this.#topicId,
      partition: replica.index,
      leaderEpoch: epoch,
      baseOffset: this.nextOffset,
      sizeBytes,
      highWatermark: replica.highWatermark,
      logStartOffset: replica.log.startOffset,
      chunkAt,
      chunkOf,
    };
  }

  #passed(nextOffset: number, bytes: number): void {
    this.nextOffset = nextOffset;
    this.#sent.push({ endOffset: nextOffset, bytes });
    this.#outstanding += bytes;
  }
}
