import type { pb } from "@ottla/protocol";

/** Replies kept for a resend, by node and in order of sequence. */
export class Replies {
  readonly #byNode = new Map<number, Map<number, pb.ReplyRecord>>();

  get(nodeId: number, sequence: number): pb.ReplyRecord | undefined {
    return this.#byNode.get(nodeId)?.get(sequence);
  }

  of(nodeId: number): Iterable<pb.ReplyRecord> {
    return this.#byNode.get(nodeId)?.values() ?? [];
  }

  count(nodeId: number): number {
    return this.#byNode.get(nodeId)?.size ?? 0;
  }

  change(before: pb.ReplyRecord | null, after: pb.ReplyRecord | null): void {
    const either = after ?? before;
    if (!either) return;
    let replies = this.#byNode.get(either.nodeId);
    if (after) {
      if (!replies) this.#byNode.set(either.nodeId, (replies = new Map()));
      replies.set(after.sequence, after);
    } else if (replies) {
      replies.delete(either.sequence);
      if (replies.size === 0) this.#byNode.delete(either.nodeId);
    }
  }
}
