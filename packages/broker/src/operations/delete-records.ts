import { type pb, uuidFromBytes } from "@ottla/protocol";
import type { BrokerParts } from "./context.ts";
import { asProtocolError, findPartition, leaderHint, tellsLeader } from "./find-partition.ts";

export async function deleteRecords(parts: BrokerParts, call: pb.DeleteRecordsCall): Promise<pb.DeleteRecordsAnswer> {
  const partitions = await Promise.all(
    call.partitions.map(async ({ topicId: idBytes, partition: index, beforeOffset }): Promise<pb.DeletedRecords> => {
      const asked = { topicId: idBytes, partition: index };
      const topicId = uuidFromBytes(idBytes);
      try {
        const logStartOffset = await findPartition(parts, topicId, index).deleteRecords(beforeOffset);
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
