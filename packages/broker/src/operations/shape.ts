import { type pb, ProtocolError } from "@ottla/protocol";
import type { BrokerParts, RequestContext } from "./context.ts";
import { relay } from "./relay.ts";

/** The calls about the cluster's shape: who holds what, who leads, who votes, and what happened. The controllers decide all of them. */
type ShapeCall = Extract<
  pb.CallRequest["call"],
  {
    case:
      | "reassignPartitions"
      | "electLeaders"
      | "drainBroker"
      | "removeBroker"
      | "alterReplicationFactor"
      | "changeVoters"
      | "updateFeatures"
      | "describeEvents"
      | "describeQuorum";
  }
>;

/** @throws ProtocolError INVALID_REQUEST for what cannot mean anything, whatever the state of the cluster; the controllers' own otherwise */
export async function shape(parts: BrokerParts, context: RequestContext, call: ShapeCall): Promise<pb.CallResponse["answer"]> {
  check(call);
  const value: unknown = await relay(parts, context, call.case, call.value);
  // One message answers on both ways: the kinds of calls, commands, replies and answers have the same names.
  return { case: call.case, value } as pb.CallResponse["answer"];
}

function check(call: ShapeCall): void {
  if (call.case === "reassignPartitions") call.value.partitions.forEach(checkReassignment);
  else if (call.case === "alterReplicationFactor" && call.value.factor === 0)
    throw new ProtocolError("INVALID_REPLICATION_FACTOR", "A topic cannot have 0 replicas: the factor must be 1 or more");
  else if (call.case === "updateFeatures" && call.value.name === "")
    throw new ProtocolError("INVALID_REQUEST", "The feature to change has no name: ottla feature describe lists those there are");
}

/** @throws ProtocolError for what cannot mean anything, whatever the state of the cluster */
export function checkReassignment({ partition, replicas, cancel }: pb.Reassignment): void {
  if (cancel && replicas.length > 0)
    throw new ProtocolError(
      "INVALID_REQUEST",
      `To cancel the reassignment of partition ${partition} name no replicas: it goes back to those before`,
    );
  if (!cancel && replicas.length === 0)
    throw new ProtocolError(
      "INVALID_REPLICA_ASSIGNMENT",
      `The reassignment of partition ${partition} names no replicas: name at least one broker`,
    );
  const twice = replicas.find((nodeId, at) => replicas.indexOf(nodeId) !== at);
  if (twice !== undefined)
    throw new ProtocolError("INVALID_REPLICA_ASSIGNMENT", `The reassignment of partition ${partition} names broker ${twice} twice`);
}
