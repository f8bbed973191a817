import type { Address } from "@ottla/host";
import { formatAddress } from "./addresses.ts";
import { isLoopback } from "./derived-defaults.ts";
import type { NodeConfig, NodeKey } from "./node-settings.ts";

/** Problems and warnings that need more than one value. `problem` takes the setting to blame. */
export function checkTogether(config: NodeConfig, problem: (key: NodeKey, text: string) => void, warn: (text: string) => void): void {
  checkRoles(config, problem);
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
  for (const [key, who] of [
    ["advertisedListeners", "client"],
    ["grpcAdvertisedListeners", "client"],
    ["nodeAdvertisedListeners", "node"],
    ["controllerQuorumBootstrapServers", "node"],
  ] as const) {
    const wildcard = config[key].find(({ host }) => isWildcard(host));
    if (wildcard) problem(key, `names ${wildcard.host}, which no ${who} can dial; name a host under which ${who}s reach it`);
  }
  for (const { nodeId, address } of config.controllerQuorumVoters) {
    if (isWildcard(address.host))
      problem("controllerQuorumVoters", `names ${address.host} for node ${nodeId}, which no node can dial; name its host`);
  }
  checkListeners(config, problem);
  warnOfOpenDoors("listeners", "read and write all records", config.listeners, warn);
  warnOfOpenDoors("grpc.listeners", "read and write all records", config.grpcListeners, warn);
  warnOfOpenDoors("node.listeners", "take part in the cluster as if it were a node of it", config.nodeListeners, warn);
  warnOfOpenDoors("http.listeners", "read health and metrics", config.httpListeners, warn);
}

function warnOfOpenDoors(name: string, what: string, listeners: readonly Address[], warn: (text: string) => void): void {
  for (const address of listeners.filter(({ host }) => !isLoopback(host))) {
    warn(
      `${name} opens ${formatAddress(address)} to the network WITHOUT ENCRYPTION OR AUTHENTICATION: whoever reaches it can ${what}; keep it inside a network you trust, or bind 127.0.0.1`,
    );
  }
}

/** What is spoken at each listener for Kafka's clients, and that what is advertised is there. */
function checkListeners(config: NodeConfig, problem: (key: NodeKey, text: string) => void): void {
  const { listeners, advertisedListeners, listenerSecurityProtocolMap: protocols } = config;
  for (const { name } of listeners) {
    const protocol = protocols.get(name);
    if (protocol === undefined)
      problem(
        "listeners",
        `has the listener ${name}, and listener.security.protocol.map does not say what it speaks; add ${name}:PLAINTEXT there`,
      );
    else if (protocol !== "PLAINTEXT")
      problem(
        "listeners",
        `has the listener ${name}, which speaks ${protocol}: encryption and authentication are not in this version, and the door is not opened without them in their place`,
      );
  }
  const unheard = advertisedListeners.find(({ name }) => !listeners.some((listener) => listener.name === name));
  if (unheard !== undefined)
    problem("advertisedListeners", `has ${unheard.name}, which is no name in listeners (${listeners.map(({ name }) => name).join(", ")})`);
}

/** Who decides and where the deciders are must be known, and this node must be what the list says of it. */
function checkRoles(config: NodeConfig, problem: (key: NodeKey, text: string) => void): void {
  const { nodeId, processRoles, controllerQuorumVoters: voters, controllerQuorumBootstrapServers: servers } = config;
  const votes = voters.some((voter) => voter.nodeId === nodeId);
  if (processRoles.includes("controller")) return;
  if (votes)
    problem(
      "processRoles",
      `leaves out controller, but controller.quorum.voters names node ${nodeId}; add the role or take the node off the list`,
    );
  else if (voters.length === 0 && servers.length === 0)
    problem(
      "processRoles",
      "is broker alone, so this node needs controllers: name some in controller.quorum.bootstrap.servers, or the voters in controller.quorum.voters",
    );
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
