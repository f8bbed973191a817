import { type Address, type Attributes, NetworkError } from "@ottla/host";
import { PROTOCOL_VERSIONS } from "../versions.ts";

/** @throws NetworkError UNSUPPORTED_PROTOCOL, INVALID_REQUEST: the two sides have no version in common, or the client says none */
export function negotiateVersion(attributes: Attributes): number {
  const text = attributes["ottla-protocol"] ?? "";
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  if (match === null)
    throw refusal(
      "INVALID_REQUEST",
      `The metadata ottla-protocol must be "min-max" of the versions spoken, such as "1-1"; it is "${text}"`,
    );
  const highest = Math.min(Number(match[2]), PROTOCOL_VERSIONS.max);
  if (highest >= Math.max(Number(match[1]), PROTOCOL_VERSIONS.min)) return highest;
  throw refusal(
    "UNSUPPORTED_PROTOCOL",
    `The client speaks versions ${text} of the protocol, this node ${PROTOCOL_VERSIONS.min}-${PROTOCOL_VERSIONS.max}`,
  );
}

/** @throws NetworkError WRONG_NODE: another node answers at the address that was dialled */
export function requireNode(attributes: Attributes, nodeId: number): void {
  const expected = attributes["ottla-node-id"];
  if (expected === undefined || expected === String(nodeId)) return;
  throw refusal("WRONG_NODE", `This is node ${nodeId}, not node ${expected}: dial the address that node ${expected} has registered`);
}

/** @returns null when the client did not say what it dialled */
export function dialledAddress(attributes: Attributes): Address | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(attributes[":authority"] ?? "");
  const host = match?.[1] ?? match?.[2];
  return match === null || host === undefined ? null : { host, port: Number(match[3]) };
}

export function refusal(code: string, message: string): NetworkError {
  return new NetworkError({ kind: "rejected", code, message });
}
