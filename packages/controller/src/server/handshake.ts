import { NetworkError, type Attributes } from "@ottla/host";
import type { ErrorName } from "@ottla/protocol";

const PROTOCOL = 1;

/** Checks what a dialling broker says of itself and of whom it expects.
 * @returns its node id
 * @throws NetworkError that refuses the session by name */
export function checkHandshake(attributes: Attributes, nodeId: number, clusterId: string | null): number {
  const [min, max] = (attributes["ottla-protocol"] ?? "").split("-").map(Number);
  if (min === undefined || max === undefined || !(min <= PROTOCOL && PROTOCOL <= max))
    throw refused(
      "UNSUPPORTED_PROTOCOL",
      `Controller ${nodeId} speaks node protocol ${PROTOCOL}, the dialling node offers "${attributes["ottla-protocol"] ?? ""}" (a range such as 1-1)`,
    );
  const expected = attributes["ottla-expected-node-id"];
  if (expected !== undefined && expected !== String(nodeId))
    throw refused(
      "WRONG_NODE",
      `This is node ${nodeId}, the dialling node expected node ${expected}; correct the address of node ${expected}`,
    );
  const cluster = attributes["ottla-cluster-id"];
  if (cluster !== undefined && cluster !== "" && clusterId !== null && cluster !== clusterId)
    throw refused(
      "INCONSISTENT_CLUSTER_ID",
      `Controller ${nodeId} belongs to cluster ${clusterId}, the dialling node to cluster ${cluster}`,
    );
  const dialling = Number(attributes["ottla-node-id"]);
  if (!Number.isSafeInteger(dialling) || dialling < 0)
    throw refused("INVALID_REQUEST", `A session needs ottla-node-id, the dialling node's id, not "${attributes["ottla-node-id"] ?? ""}"`);
  return dialling;
}

export function handshakeAnswer(nodeId: number, clusterId: string | null): Attributes {
  return {
    "ottla-protocol": String(PROTOCOL),
    "ottla-node-id": String(nodeId),
    ...(clusterId === null ? {} : { "ottla-cluster-id": clusterId }),
  };
}

function refused(code: ErrorName, message: string): NetworkError {
  return new NetworkError({ kind: "rejected", code, message });
}
