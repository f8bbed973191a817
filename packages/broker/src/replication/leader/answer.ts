import { type pb, readBatchHeader } from "@ottla/protocol";
import type { Log } from "@ottla/log";

/** What a leader answers to a follower that says where its log ends. */
export type AttachAnswer =
  | { readonly kind: "from"; readonly offset: number }
  /** The follower's log is of no use: it begins anew. */
  | { readonly kind: "anew"; readonly offset: number }
  | { readonly kind: "diverged"; readonly epoch: number; readonly endOffset: number };

export type FollowerEnd = Pick<pb.AttachPartition, "lastEpoch" | "endOffset">;

/** Compares the end of a follower's log with the leader's by the epochs that both have seen. @see KIP-101, KIP-320 */
export async function answerAttach(log: Log, { lastEpoch, endOffset }: FollowerEnd): Promise<AttachAnswer> {
  const firstOffset = await firstBatchOffset(log);
  if (endOffset < firstOffset) return { kind: "anew", offset: firstOffset };
  if (lastEpoch < 0) {
    const offset = endOffset > log.endOffset ? firstOffset : await batchOffset(log, endOffset);
    return { kind: offset === endOffset ? "from" : "anew", offset };
  }
  const known = log.epochEnd(lastEpoch);
  // An epoch of which nothing is left here: where the two logs agreed below the log's start is not known any more.
  if (log.startOffset > 0 && known.epoch === lastEpoch && log.epochStart(lastEpoch) === null) return { kind: "anew", offset: firstOffset };
  if (known.epoch === lastEpoch && known.endOffset >= endOffset) return { kind: "from", offset: endOffset };
  // A follower that knows an epoch above all of the leader's is no follower of it: the epochs were compared before.
  const { epoch, endOffset: agreed } = known.epoch < 0 ? { epoch: log.lastBatchEpoch, endOffset: log.endOffset } : known;
  return { kind: "diverged", epoch, endOffset: agreed };
}

/** The log's start may lie within a batch; followers take whole ones. */
async function firstBatchOffset(log: Log): Promise<number> {
  return log.startOffset === 0 ? 0 : batchOffset(log, log.startOffset);
}

/** Where the batch that holds the offset begins. */
async function batchOffset(log: Log, offset: number): Promise<number> {
  if (offset >= log.endOffset || offset < log.startOffset) return offset;
  // What the log lacks is in no batch that could be read: the follower is told of it once it is fed.
  if (log.gapAt(offset)?.accepted === false) return offset;
  const { parts } = await log.read({ from: offset, until: log.endOffset, maxBytes: 1 });
  const [first] = parts;
  return first === undefined ? offset : readBatchHeader(first).baseOffset;
}
