import { NetworkError, type Attributes } from "@ottla/host";
import type { ErrorName } from "@ottla/protocol";

/** Versions of what nodes say to each other that this one speaks. */
const PROTOCOL = { min: 1, max: 1 } as const;
export const PROTOCOL_RANGE = `${PROTOCOL.min}-${PROTOCOL.max}`;

export interface Self {
  readonly nodeId: number;
  /** Null until it is known. */
  readonly clusterId: string | null;
  /** Of the door, for people. */
  readonly address: string;
}

/** Checks what a dialling node says of itself and of whom it expects, before any service hears of it.
 * @returns what it is answered
 * @throws NetworkError that refuses the session by name: UNSUPPORTED_PROTOCOL, WRONG_NODE, INCONSISTENT_CLUSTER_ID, DUPLICATE_BROKER_REGISTRATION */
export function checkHandshake(attributes: Attributes, self: Self): Attributes {
  const { nodeId, clusterId, address } = self;
  const [min, max] = (attributes["ottla-protocol"] ?? "").split("-").map(Number);
  const version = Math.min(max ?? 0, PROTOCOL.max);
  if (min === undefined || !(version >= Math.max(min, PROTOCOL.min)))
    throw refused(
      "UNSUPPORTED_PROTOCOL",
      `Node ${nodeId} at ${address} speaks the protocol of nodes in versions ${PROTOCOL_RANGE}, the dialling node in versions ${attributes["ottla-protocol"] ?? "(none told)"}; run releases that have one in common`,
    );
  const dialling = Number(attributes["ottla-node-id"] ?? "none");
  if (!Number.isSafeInteger(dialling) || dialling < 0)
    throw refused(
      "INVALID_REQUEST",
      `A session of nodes needs ottla-node-id, the dialling node's id, not "${attributes["ottla-node-id"] ?? ""}"`,
    );
  const cluster = attributes["ottla-cluster-id"];
  if (cluster !== undefined && cluster !== "" && clusterId !== null && cluster !== clusterId)
    throw refused(
      "INCONSISTENT_CLUSTER_ID",
      `Node ${nodeId} at ${address} belongs to cluster ${clusterId}, the dialling node ${dialling} to cluster ${cluster}; correct controller.quorum.voters or controller.quorum.bootstrap.servers of node ${dialling}, or give it its own data.dir`,
    );
  const expected = attributes["ottla-expected-node-id"];
  if (expected !== undefined && expected !== String(nodeId))
    throw refused("WRONG_NODE", `Node ${nodeId} is at ${address}, not node ${expected}; correct the address of node ${expected}`);
  if (dialling === nodeId)
    throw refused(
      "DUPLICATE_BROKER_REGISTRATION",
      `Node ${nodeId} is at ${address}, and the dialling node calls itself node ${nodeId} too; give one of them another node.id, or take a node's own address off its lists`,
    );
  return {
    "ottla-protocol": String(version),
    "ottla-node-id": String(nodeId),
    ...(clusterId === null ? {} : { "ottla-cluster-id": clusterId }),
  };
}

function refused(code: ErrorName, message: string): NetworkError {
  return new NetworkError({ kind: "rejected", code, message });
}
