import { assert, type ProtocolError, type Uuid } from "@ottla/protocol";
import type { BrokerParts } from "./context.ts";
import { asProtocolError, findPartition } from "./find-partition.ts";

export interface DescribedProducer {
  readonly producerId: number;
  readonly epoch: number;
  readonly lastSequence: number;
  /** By the broker's wall clock. */
  readonly lastActiveMs: number;
}

/** The idempotent producers that a partition's leader remembers. */
export function describeProducers(parts: BrokerParts, topicId: Uuid, index: number): DescribedProducer[] | ProtocolError {
  try {
    const partition = findPartition(parts, topicId, index);
    partition.requireLeader(-1);
    return Array.from(partition.producers.entries(), ([producerId, { epoch, lastActiveMs, batches }]) => {
      const last = batches.at(-1);
      assert(last !== undefined, `producer ${producerId} of ${partition.topicName}-${index} is known by no batch`);
      return { producerId, epoch, lastSequence: last.lastSequence, lastActiveMs };
    });
  } catch (error) {
    return asProtocolError(error);
  }
}
