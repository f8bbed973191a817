import type { ProtocolError, Uuid } from "@ottla/protocol";
import type { BrokerParts } from "./context.ts";
import { asProtocolError, findPartition } from "./find-partition.ts";

export interface EpochQuery {
  readonly topicId: Uuid;
  readonly partition: number;
  /** The newest leader epoch that the client knows, -1 for none. */
  readonly leaderEpoch: number;
  /** The epoch whose end is asked for. */
  readonly epoch: number;
}

/** Where a leader epoch ends in the leader's log: the largest epoch not above the one asked for, and the offset at which the next begins. Both
 * -1 for an epoch above all known, and for none. A client with more of that epoch than this has records that were lost with a former leader.
 * @see KIP-101, KIP-320 */
export function epochEnd(parts: BrokerParts, query: EpochQuery): { epoch: number; endOffset: number } | ProtocolError {
  try {
    const partition = findPartition(parts, query.topicId, query.partition);
    partition.requireLeader(query.leaderEpoch);
    return query.epoch < 0 ? { epoch: -1, endOffset: -1 } : partition.log.epochEnd(query.epoch);
  } catch (error) {
    return asProtocolError(error);
  }
}
