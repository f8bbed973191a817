import { type pb, ProtocolError, type Uuid, uuidFromBytes } from "@ottla/protocol";
import { type FoundOffset, listOffset } from "../partition/list-offsets.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { asProtocolError, findPartition, leaderHint, tellsLeader } from "./find-partition.ts";
import { mapInTurns } from "./many.ts";

export interface OffsetQuery {
  readonly topicId: Uuid;
  readonly partition: number;
  /** Milliseconds, or one of the numbers below 0 that {@link listOffset} knows. */
  readonly timestamp: number;
  /** The newest leader epoch that the client knows, -1 for none (KIP-320). */
  readonly leaderEpoch: number;
}

/** One after the other: looking into compressed batches is work, and many partitions asked at once must not crowd out the rest.
 * @throws the reason of the context's signal when the client has gone */
export async function listOffsets(
  parts: BrokerParts,
  { signal }: RequestContext,
  queries: readonly OffsetQuery[],
): Promise<(FoundOffset | ProtocolError)[]> {
  const refused = await mapInTurns(parts.clock, queries, ({ topicId, partition }) => tryFind(parts, topicId, partition));
  const found: (FoundOffset | ProtocolError)[] = [];
  for (const [i, query] of queries.entries()) {
    signal.throwIfAborted();
    found.push(refused[i] ?? (await listOne(parts, query)));
  }
  return found;
}

export async function answerListOffsets(
  parts: BrokerParts,
  { signal }: RequestContext,
  call: pb.ListOffsetsCall,
): Promise<pb.ListOffsetsAnswer> {
  const partitions: pb.ListedOffset[] = [];
  for (const { topicId: idBytes, partition, timestamp, leaderEpoch } of call.partitions) {
    signal.throwIfAborted();
    const asked = { topicId: idBytes, partition };
    const topicId = uuidFromBytes(idBytes);
    const found = await listOne(parts, { topicId, partition, timestamp, leaderEpoch });
    if (found instanceof ProtocolError) {
      const leader = tellsLeader(found) ? leaderHint(parts, topicId, partition) : undefined;
      partitions.push({ ...asked, errorCode: found.code, errorMessage: found.message, offset: -1, timestamp: -1, leaderEpoch: -1, leader });
    } else partitions.push({ ...asked, errorCode: 0, errorMessage: "", ...found, leader: undefined });
  }
  return { partitions };
}

function tryFind(parts: BrokerParts, topicId: Uuid, partition: number): ProtocolError | null {
  try {
    findPartition(parts, topicId, partition);
    return null;
  } catch (error) {
    return asProtocolError(error);
  }
}

async function listOne(parts: BrokerParts, query: OffsetQuery): Promise<FoundOffset | ProtocolError> {
  try {
    return await listOffset(findPartition(parts, query.topicId, query.partition), query.timestamp, query.leaderEpoch, parts.codecs);
  } catch (error) {
    return asProtocolError(error);
  }
}
