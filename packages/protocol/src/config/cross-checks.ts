import type { Address } from "@ottla/host";
import { formatAddress } from "./addresses.ts";
import type { NodeConfig, NodeKey } from "./node-settings.ts";

/** Problems and warnings that need more than one value. `problem` takes the setting to blame. */
export function checkTogether(config: NodeConfig, problem: (key: NodeKey, text: string) => void, warn: (text: string) => void): void {
  const [voter] = config.controllerQuorumVoters;
  if (voter !== undefined && voter.nodeId !== config.nodeId) {
    problem(
      "controllerQuorumVoters",
      `names node ${voter.nodeId}, but node.id is ${config.nodeId}; name this node, as in ${config.nodeId}@localhost:9095, or leave the setting out`,
    );
  }
  const largestBatch = config.grpcMaxMessageBytes - 65_536;
  if (config.messageMaxBytes > largestBatch) {
    problem(
      "messageMaxBytes",
      `must be at most ${largestBatch}, 64 KiB below grpc.max.message.bytes=${config.grpcMaxMessageBytes}; raise that or lower this`,
    );
  }
  if (config.queuedMaxRequestBytes < config.grpcMaxMessageBytes) {
    problem(
      "queuedMaxRequestBytes",
      `must be at least grpc.max.message.bytes=${config.grpcMaxMessageBytes}, or the largest request could never be read`,
    );
  }
  if (config.controllerElectionTimeoutMs < 2 * config.controllerHeartbeatIntervalMs) {
    problem(
      "controllerElectionTimeoutMs",
      `must be at least twice controller.heartbeat.interval.ms=${config.controllerHeartbeatIntervalMs}`,
    );
  }
  if (config.brokerSessionTimeoutMs < 2 * config.brokerHeartbeatIntervalMs) {
    problem("brokerSessionTimeoutMs", `must be at least twice broker.heartbeat.interval.ms=${config.brokerHeartbeatIntervalMs}`);
  }
  for (const { host } of config.grpcAdvertisedListeners) {
    if (host === "0.0.0.0" || host === "::")
      problem("grpcAdvertisedListeners", `names ${host}, which no client can dial; name the host under which clients reach this node`);
  }
  warnOfOpenDoors("grpc.listeners", "read and write all records", config.grpcListeners, warn);
  warnOfOpenDoors("http.listeners", "read health and metrics", config.httpListeners, warn);
}

function warnOfOpenDoors(name: string, what: string, listeners: readonly Address[], warn: (text: string) => void): void {
  for (const address of listeners.filter(({ host }) => !isLoopback(host))) {
    warn(
      `${name} opens ${formatAddress(address)} to the network WITHOUT ENCRYPTION OR AUTHENTICATION: whoever reaches it can ${what}; keep it inside a network you trust, or bind 127.0.0.1`,
    );
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
