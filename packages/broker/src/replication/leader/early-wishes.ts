import { type pb, ProtocolError } from "@ottla/protocol";

const EARLY_MAX = 50_000;

/** Partitions asked of this broker before it heard that it leads them, or by a follower whose registration it has not heard of. */
export class EarlyWishes {
  #wishes = new Map<string, pb.AttachPartition>();

  /** @returns why there is no room for it, if so */
  add(key: string, wish: pb.AttachPartition): ProtocolError | null {
    if (this.#wishes.size >= EARLY_MAX)
      return new ProtocolError("UNKNOWN_LEADER_EPOCH", `${EARLY_MAX} partitions wait here already to be led: ask again`);
    // A copy: the frame is not kept.
    this.#wishes.set(key, { ...wish, topicId: wish.topicId.slice() });
    return null;
  }

  delete(key: string): void {
    this.#wishes.delete(key);
  }

  take(): Iterable<pb.AttachPartition> {
    const wishes = this.#wishes.values();
    if (this.#wishes.size > 0) this.#wishes = new Map();
    return wishes;
  }
}
