import type { pb } from "@ottla/protocol";
import { lowSpace } from "../partition/refusals.ts";
import type { BrokerParts, RequestContext } from "./context.ts";
import { relay } from "./relay.ts";

/** @throws ProtocolError KAFKA_STORAGE_ERROR while the disk is nearly full */
export function createTopics(parts: BrokerParts, context: RequestContext, call: pb.CreateTopicsCall): Promise<pb.CreateTopicsAnswer> {
  requireSpace(parts, "create topics");
  return relay(parts, context, "createTopics", call);
}

export function deleteTopics(parts: BrokerParts, context: RequestContext, call: pb.DeleteTopicsCall): Promise<pb.DeleteTopicsAnswer> {
  return relay(parts, context, "deleteTopics", call);
}

/** @throws ProtocolError KAFKA_STORAGE_ERROR while the disk is nearly full */
export function createPartitions(
  parts: BrokerParts,
  context: RequestContext,
  call: pb.CreatePartitionsCall,
): Promise<pb.CreatePartitionsAnswer> {
  requireSpace(parts, "create partitions");
  return relay(parts, context, "createPartitions", call);
}

function requireSpace({ directory }: BrokerParts, action: string): void {
  const { freeBytes, limitBytes, low } = directory.freeSpace;
  if (low) throw lowSpace(action, directory.path, freeBytes, limitBytes);
}
