import type { pb } from "@ottla/protocol";
import { remainingMs } from "./remaining.ts";
import type { BrokerParts, RequestContext } from "./context.ts";

// Committed offsets live in the controllers: brokers relay, they do not decide.

export function commitOffsets(parts: BrokerParts, context: RequestContext, call: pb.CommitOffsetsCall): Promise<pb.CommitOffsetsAnswer> {
  return parts.link.command("commitOffsets", call, remainingMs(parts, context));
}

export function fetchOffsets(parts: BrokerParts, context: RequestContext, call: pb.FetchOffsetsCall): Promise<pb.FetchOffsetsAnswer> {
  return parts.link.command("fetchOffsets", call, remainingMs(parts, context));
}

export function listGroups(parts: BrokerParts, context: RequestContext, call: pb.ListGroupsCall): Promise<pb.ListGroupsAnswer> {
  return parts.link.command("listGroups", call, remainingMs(parts, context));
}

export function deleteGroups(parts: BrokerParts, context: RequestContext, call: pb.DeleteGroupsCall): Promise<pb.DeleteGroupsAnswer> {
  return parts.link.command("deleteGroups", call, remainingMs(parts, context));
}

export function deleteOffsets(parts: BrokerParts, context: RequestContext, call: pb.DeleteOffsetsCall): Promise<pb.DeleteOffsetsAnswer> {
  return parts.link.command("deleteOffsets", call, remainingMs(parts, context));
}
