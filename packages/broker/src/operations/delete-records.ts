import { type pb, uuidFromBytes } from "@ottla/protocol";
import type { BrokerParts, RequestContext } from "./context.ts";
import { asProtocolError, findPartition, leaderHint, tellsLeader } from "./find-partition.ts";

/** Which partition did not come to its end is told before the whole call would be given up. */
const MARGIN_MS = 200;

export async function deleteRecords(
  parts: BrokerParts,
  { deadlineMs }: RequestContext,
  call: pb.DeleteRecordsCall,
): Promise<pb.DeleteRecordsAnswer> {
  const timeoutMs = Math.max(0, deadlineMs - parts.clock.monotonicMs() - MARGIN_MS);
  const partitions = await Promise.all(
    call.partitions.map(async ({ topicId: idBytes, partition: index, beforeOffset }): Promise<pb.DeletedRecords> => {
      const asked = { topicId: idBytes, partition: index };
      const topicId = uuidFromBytes(idBytes);
      try {
        const logStartOffset = await findPartition(parts, topicId, index).deleteRecords(beforeOffset, timeoutMs);
        return { ...asked, errorCode: 0, errorMessage: "", logStartOffset, leader: undefined };
      } catch (cause) {
        const error = asProtocolError(cause);
        const leader = tellsLeader(error) ? leaderHint(parts, topicId, index) : undefined;
        return { ...asked, errorCode: error.code, errorMessage: error.message, logStartOffset: -1, leader };
      }
    }),
  );
  return { partitions };
}
