import type { pb } from "@ottla/protocol";
import type { BrokerParts, RequestContext } from "./context.ts";
import { relay } from "./relay.ts";

// Committed offsets live in the controllers: brokers relay, they do not decide.

export function commitOffsets(parts: BrokerParts, context: RequestContext, call: pb.CommitOffsetsCall): Promise<pb.CommitOffsetsAnswer> {
  return relay(parts, context, "commitOffsets", call);
}

export function fetchOffsets(parts: BrokerParts, context: RequestContext, call: pb.FetchOffsetsCall): Promise<pb.FetchOffsetsAnswer> {
  return relay(parts, context, "fetchOffsets", call);
}

export function listGroups(parts: BrokerParts, context: RequestContext, call: pb.ListGroupsCall): Promise<pb.ListGroupsAnswer> {
  return relay(parts, context, "listGroups", call);
}

export function deleteGroups(parts: BrokerParts, context: RequestContext, call: pb.DeleteGroupsCall): Promise<pb.DeleteGroupsAnswer> {
  return relay(parts, context, "deleteGroups", call);
}

export function deleteOffsets(parts: BrokerParts, context: RequestContext, call: pb.DeleteOffsetsCall): Promise<pb.DeleteOffsetsAnswer> {
  return relay(parts, context, "deleteOffsets", call);
}
