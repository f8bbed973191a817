import { ProtocolError } from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import type { BrokerParts } from "./context.ts";
import type { FetchPartition, Isolation } from "./fetch.ts";
import { asProtocolError, findPartition } from "./find-partition.ts";

/** A partition as a fetch found it. */
export interface Looked {
  /** Null: there is nothing to read from, and `error` says why. */
  readonly partition: Partition | null;
  readonly error: ProtocolError | null;
  /** The error is one that passes when the high watermark moves. */
  readonly notYet: boolean;
  readonly epoch: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /** Up to where this reader may read, exclusive. */
  readonly end: number;
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | null;
}

export function look(parts: BrokerParts, wanted: FetchPartition, isolation: Isolation): Looked {
  let partition: Partition | null = null;
  try {
    partition = findPartition(parts, wanted.topicId, wanted.partition);
    const { epoch, end: highWatermark } = partition.requireReadable(wanted.leaderEpoch);
    const { startOffset, endOffset } = partition.log;
    if (wanted.fetchOffset < startOffset) throw outOfRange(partition, wanted);
    const diverging = wanted.lastFetchedEpoch < 0 ? null : divergence(partition, wanted);
    if (diverging === null && wanted.fetchOffset > endOffset) throw outOfRange(partition, wanted);
    // There are no transactions: all that is committed is stable.
    const lastStableOffset = highWatermark;
    const end = isolation === "read_committed" ? lastStableOffset : highWatermark;
    return { partition, error: null, notYet: false, epoch, highWatermark, lastStableOffset, end, diverging };
  } catch (cause) {
    const error = asProtocolError(cause);
    const notYet = partition !== null && error.error === "OFFSET_NOT_AVAILABLE";
    return {
      partition: notYet ? partition : null,
      error,
      notYet,
      epoch: partition?.leaderEpoch ?? -1,
      highWatermark: partition?.highWatermark ?? -1,
      lastStableOffset: -1,
      end: -1,
      diverging: null,
    };
  }
}

/** Whether what the client has before its offset is what this log has there.
 * @throws ProtocolError OFFSET_OUT_OF_RANGE when nothing is known of its epoch */
function divergence(partition: Partition, wanted: FetchPartition): { epoch: number; endOffset: number } | null {
  const known = partition.log.epochEnd(wanted.lastFetchedEpoch);
  if (known.endOffset < 0) throw outOfRange(partition, wanted);
  return known.epoch < wanted.lastFetchedEpoch || known.endOffset < wanted.fetchOffset ? known : null;
}

function outOfRange(partition: Partition, { partition: index, fetchOffset }: FetchPartition): ProtocolError {
  const { startOffset, endOffset } = partition.log;
  return new ProtocolError(
    "OFFSET_OUT_OF_RANGE",
    `Offset ${fetchOffset} is outside of partition ${index} of topic ${partition.topicName}, which holds ${startOffset} to ${endOffset} (its end)`,
  );
}
