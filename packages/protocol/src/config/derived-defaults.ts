import type { Address } from "@ottla/host";
import type { NodeConfig } from "./node-settings.ts";

const NODE_PORT = 9095;
const GRPC_PORT = 9093;

/** Fills in what follows from other settings when it was not set: roles, voters, and where the door between nodes is. */
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
  return { ...config, processRoles, nodeListeners, controllerQuorumVoters };
}

function nodeDoor({ grpcListeners }: NodeConfig, self: Address | undefined): Address {
  if (self !== undefined) return { host: isLoopback(self.host) ? self.host : "0.0.0.0", port: self.port };
  // A node whose door for clients was moved stands beside another one on this machine: the usual port may be taken.
  return { host: "127.0.0.1", port: grpcListeners[0]?.port === GRPC_PORT ? NODE_PORT : 0 };
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
