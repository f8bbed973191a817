import { type Address, type Attributes, type Clock, deadline, type Network, NetworkError, type Session } from "@ottla/host";
import { formatAddress, services } from "@ottla/protocol";
import { NODE_FRAME_BYTES } from "../doors/node-door.ts";
import { PROTOCOL_RANGE } from "./handshake.ts";

const CONNECT_TIMEOUT_MS = 2000;

/** Opens a session on another node's door. Records have a connection of their own: they must not hold up heartbeats and votes.
 * @param expected who should be there; null when only the address is known
 * @throws NetworkError that names the node and the address */
export async function dialNode(
  { network, clock }: { readonly network: Network; readonly clock: Clock },
  address: Address,
  expected: number | null,
  service: string,
  attributes: Attributes,
  signal: AbortSignal,
): Promise<Session> {
  const limit = deadline(clock, CONNECT_TIMEOUT_MS, "Connecting", signal);
  try {
    return await network.dial(address, service, {
      attributes: {
        "ottla-protocol": PROTOCOL_RANGE,
        ...(expected === null ? {} : { "ottla-expected-node-id": String(expected) }),
        ...attributes,
      },
      maxFrameBytes: NODE_FRAME_BYTES,
      signal: limit.signal,
      lane: service === services.replication ? "records" : "control",
    });
  } catch (error) {
    throw explained(error, address, expected);
  } finally {
    limit.cancel();
  }
}

/** A server of another kind speaks no gRPC, or knows none of our services. */
function explained(error: unknown, address: Address, expected: number | null): unknown {
  if (!(error instanceof NetworkError)) return error;
  const { code, message } = error.reason;
  if (code !== "UNIMPLEMENTED" && !message.includes("Protocol error")) return error;
  const whose = expected === null ? "a node" : `node ${expected}`;
  const text = `${formatAddress(address)} is no door between nodes; name the address of node.listeners of ${whose}, port 9095 by default`;
  return new NetworkError({ kind: "rejected", code: "UNSUPPORTED_ENDPOINT_TYPE", message: text });
}
