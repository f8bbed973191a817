import type { NetworkError } from "@ottla/host";
import type { ErrorName } from "@ottla/protocol";

/** Why no client will ever get on at this address, or null if that may pass. */
export function wrongDoor(label: string, { reason }: NetworkError): { error: ErrorName; message: string } | null {
  if (reason.code === "UNIMPLEMENTED")
    return {
      error: "UNSUPPORTED_PROTOCOL",
      message: `${label} speaks gRPC, but is no door for clients (perhaps the node door, 9095 by default): use the port of grpc.listeners, 9093 by default`,
    };
  if (reason.kind === "unreachable" && reason.message.includes("Protocol error"))
    return {
      error: "UNSUPPORTED_PROTOCOL",
      message: `${label} does not speak gRPC (perhaps the HTTP door, 9094 by default, or a Kafka listener, 9092): use the port of grpc.listeners, 9093 by default`,
    };
  if (reason.code === "UNSUPPORTED_ENDPOINT_TYPE") return { error: "UNSUPPORTED_ENDPOINT_TYPE", message: `${label}: ${reason.message}` };
  if (reason.code === "UNSUPPORTED_PROTOCOL")
    return { error: "UNSUPPORTED_PROTOCOL", message: `${label}: ${reason.message}; update this client or that node` };
  return null;
}

/** For an address where something accepts connections and hangs up at once: a broker that is just going does so for a moment, a listener for Kafka's
 * clients always. Empty when it is neither. */
export function doorHint({ reason }: NetworkError): string {
  return reason.kind === "unreachable" && reason.message.includes("Last error: Failed to connect")
    ? "; if that is a listener for Kafka's clients (9092 by default), use the port of grpc.listeners, 9093 by default"
    : "";
}
