import { type Host, type Logger, memoryHost, type MemoryHost, silentLogger } from "@ottla/host";
import { Node } from "./node.ts";
import type { Settings } from "./settings.ts";

const NODE_PORT = 9095;

/** Machines `node-1` to `node-3` on one simulated network, each to run a node of one cluster. */
export function machines(): [MemoryHost, MemoryHost, MemoryHost] {
  const first = memoryHost({ seed: 1, hostName: "node-1" });
  const another = (at: number): MemoryHost => memoryHost({ seed: at, beside: first, hostName: `node-${at}` });
  return [first, another(2), another(3)];
}

/** Settings of one of the voters `node-1` to `node-<voters>` on simulated machines. */
export function voterSettings(nodeId: number, voters: number): Settings {
  const list = Array.from({ length: voters }, (_, at) => `${at + 1}@node-${at + 1}:${NODE_PORT}`);
  return { ...machineSettings(nodeId), "controller.quorum.voters": list.join(",") };
}

export function machineSettings(nodeId: number): Settings {
  const host = `node-${nodeId}`;
  return {
    "node.id": nodeId,
    "data.dir": "/data",
    listeners: `${host}:9092`,
    "grpc.listeners": `${host}:9093`,
    "node.listeners": `${host}:${NODE_PORT}`,
    "http.listeners": "",
    "broker.rack": `rack-${nodeId}`,
  };
}

export function start(host: Host, config: Settings, logger: Logger = silentLogger): Promise<Node> {
  return Node.start({ host, config, logger });
}
