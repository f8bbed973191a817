import { type pb, uuidFromBytes } from "@ottla/protocol";
import { listOffset } from "../partition/list-offsets.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { asProtocolError, findPartition, leaderHint, tellsLeader } from "./find-partition.ts";

export async function listOffsets(parts: BrokerParts, context: RequestContext, call: pb.ListOffsetsCall): Promise<pb.ListOffsetsAnswer> {
  const partitions: pb.ListedOffset[] = [];
  // One after the other: looking into compressed batches is work, and many partitions asked at once must not crowd out the rest.
  for (const { topicId: idBytes, partition: index, timestamp, leaderEpoch } of call.partitions) {
    context.signal.throwIfAborted();
    const asked = { topicId: idBytes, partition: index };
    const topicId = uuidFromBytes(idBytes);
    try {
      const found = await listOffset(findPartition(parts, topicId, index), timestamp, leaderEpoch, parts.codecs);
      partitions.push({ ...asked, errorCode: 0, errorMessage: "", ...found, leader: undefined });
    } catch (cause) {
      const error = asProtocolError(cause);
      const leader = tellsLeader(error) ? leaderHint(parts, topicId, index) : undefined;
      partitions.push({ ...asked, errorCode: error.code, errorMessage: error.message, offset: -1, timestamp: -1, leaderEpoch: -1, leader });
    }
  }
  return { partitions };
}
