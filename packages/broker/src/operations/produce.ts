import { type pb, ProtocolError, type Uuid } from "@ottla/protocol";
import type { Appended } from "../partition/surroundings.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { asProtocolError, findPartition, leaderHint, tellsLeader } from "./find-partition.ts";
import { lookAtMany } from "./many.ts";

export interface ProduceRequest {
  /** -1, 0 or 1. */
  readonly acks: number;
  readonly timeoutMs: number;
  readonly partitions: readonly ProducePartition[];
}

interface ProducePartition {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly records: Uint8Array;
}

/** A batch that was refused. `unknown` when it may be the resend of one that is in the log, and the log cannot be asked. */
export interface Refused {
  readonly error: ProtocolError;
  readonly outcome: "not-appended" | "unknown";
  readonly leader: pb.LeaderHint | undefined;
}

export type ProducedPartition = Refused | (Appended & { readonly logStartOffset: number });

/** An acknowledgement that never comes must not be waited for for ever, whatever the client says. */
const TIMEOUT_MAX_MS = 300_000;

/** Appends before it returns, so that requests handed over one after the other lie in the log in that order; acknowledgements come later.
 * An error of `acknowledged` leaves the outcome unknown. */
export function produce(parts: BrokerParts, context: RequestContext, request: ProduceRequest): ProducedPartition[] {
  const nowMs = parts.clock.wallMs();
  const timeoutMs = Math.min(request.timeoutMs, TIMEOUT_MAX_MS);
  const append = ({ topicId, partition: index, records }: ProducePartition): ProducedPartition => {
    try {
      if (request.acks !== -1 && request.acks !== 0 && request.acks !== 1) {
        throw new ProtocolError("INVALID_REQUIRED_ACKS", `Cannot produce with acks=${request.acks}: it must be -1 (all), 1 or 0`);
      }
      const partition = findPartition(parts, topicId, index);
      const { baseOffset, appendTimeMs, acknowledged } = partition.produce(records, request.acks, timeoutMs, nowMs);
      return { baseOffset, appendTimeMs, acknowledged, logStartOffset: partition.log.startOffset };
    } catch (cause) {
      if (!(cause instanceof ProtocolError))
        parts.logger.error({ err: cause, peer: context.peer, topicId, partition: index }, "An append failed unexpectedly");
      const error = asProtocolError(cause);
      const outcome = error.error === "KAFKA_STORAGE_ERROR" && !error.notAppended ? "unknown" : "not-appended";
      return { error, outcome, leader: tellsLeader(error) ? leaderHint(parts, topicId, index) : undefined };
    }
  };
  return lookAtMany(request.partitions.length, () => request.partitions.map(append));
}
