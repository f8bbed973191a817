import type { pb } from "@ottla/protocol";
import { lowSpace } from "../partition/refusals.ts";
import { remainingMs } from "./remaining.ts";
import type { BrokerParts, RequestContext } from "./context.ts";

/** @throws ProtocolError KAFKA_STORAGE_ERROR while the disk is nearly full */
export function createTopics(parts: BrokerParts, context: RequestContext, call: pb.CreateTopicsCall): Promise<pb.CreateTopicsAnswer> {
  requireSpace(parts, "create topics");
  return parts.link.command("createTopics", call, remainingMs(parts, context));
}

export function deleteTopics(parts: BrokerParts, context: RequestContext, call: pb.DeleteTopicsCall): Promise<pb.DeleteTopicsAnswer> {
  return parts.link.command("deleteTopics", call, remainingMs(parts, context));
}

/** @throws ProtocolError KAFKA_STORAGE_ERROR while the disk is nearly full */
export function createPartitions(
  parts: BrokerParts,
  context: RequestContext,
  call: pb.CreatePartitionsCall,
): Promise<pb.CreatePartitionsAnswer> {
  requireSpace(parts, "create partitions");
  return parts.link.command("createPartitions", call, remainingMs(parts, context));
}

function requireSpace({ directory }: BrokerParts, action: string): void {
  const { freeBytes, limitBytes, low } = directory.freeSpace;
  if (low) throw lowSpace(action, directory.path, freeBytes, limitBytes);
}
