import { NetworkError, type Attributes } from "@ottla/host";

/** Who dials. The door between nodes, which every session from another process came through, has checked the rest of the handshake.
 * @throws NetworkError that refuses a session which says nothing of it */
export function diallingNode(attributes: Attributes): number {
  const text = attributes["ottla-node-id"] ?? "";
  const nodeId = Number(text);
  if (text === "" || !Number.isSafeInteger(nodeId) || nodeId < 0)
    throw new NetworkError({
      kind: "rejected",
      code: "INVALID_REQUEST",
      message: `A session needs ottla-node-id, the dialling node's id, not "${text}"`,
    });
  return nodeId;
}
