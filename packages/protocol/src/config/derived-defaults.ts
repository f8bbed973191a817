import type { Address } from "@ottla/host";
import type { NamedListener } from "./listeners.ts";
import type { NodeConfig } from "./node-settings.ts";

const NODE_PORT = 9095;
const GRPC_PORT = 9093;
const KAFKA_PORT = 9092;

/** Fills in what follows from other settings when it was not set: roles, voters, and where the doors between nodes and for Kafka's clients are. */
export function withDerivedDefaults(config: NodeConfig): NodeConfig {
  const { nodeId, controllerQuorumVoters: listed } = config;
  const joins = listed.length === 0 && config.controllerQuorumBootstrapServers.length > 0;
  const self = listed.find((voter) => voter.nodeId === nodeId)?.address;
  const decides = self !== undefined || (listed.length === 0 && !joins);
  const processRoles = config.processRoles.length > 0 ? config.processRoles : decides ? ["controller", "broker"] : ["broker"];
  const nodeListeners = config.nodeListeners.length > 0 ? config.nodeListeners : [nodeDoor(config, self)];
  const alone = listed.length === 0 && !joins && processRoles.includes("controller");
  // Port 0 stays: nobody dials the only voter by this list.
  const controllerQuorumVoters = alone ? [{ nodeId, address: { host: "localhost", port: nodeListeners[0]?.port ?? 0 } }] : listed;
  const listeners = config.listeners.length > 0 ? config.listeners : [kafkaDoor(config)];
  return { ...config, processRoles, listeners, nodeListeners, controllerQuorumVoters };
}

function nodeDoor({ grpcListeners }: NodeConfig, self: Address | undefined): Address {
  if (self !== undefined) return { host: isLoopback(self.host) ? self.host : "0.0.0.0", port: self.port };
  return { host: "127.0.0.1", port: moved(grpcListeners) ? 0 : NODE_PORT };
}

function kafkaDoor({ grpcListeners }: NodeConfig): NamedListener {
  return { name: "PLAINTEXT", host: "127.0.0.1", port: moved(grpcListeners) ? 0 : KAFKA_PORT };
}

/** A node whose gRPC door was moved stands beside another one on this machine: the usual ports may be taken. */
function moved(grpcListeners: readonly Address[]): boolean {
  return grpcListeners[0]?.port !== GRPC_PORT;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
