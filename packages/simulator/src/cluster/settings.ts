import type { Settings } from "@ottla/node";
import { DATA } from "../machine/machine.ts";

export const GRPC_PORT = 9093;
const KAFKA_PORT = 9092;
const NODE_PORT = 9095;

/** What a node of a simulated cluster is started with. Small sizes, so that a short run rolls segments and takes checkpoints. */
export function nodeSettings(nodeId: number, voters: readonly number[], flushPolicy: string): Settings {
  const host = `node${nodeId}`;
  const votes = voters.includes(nodeId);
  return {
    "node.id": nodeId,
    "data.dir": DATA,
    listeners: `${host}:${KAFKA_PORT}`,
    "grpc.listeners": `${host}:${GRPC_PORT}`,
    "http.listeners": "",
    "node.listeners": `${host}:${NODE_PORT}`,
    ...(votes
      ? { "controller.quorum.voters": voters.map((id) => `${id}@node${id}:${NODE_PORT}`).join(",") }
      : { "controller.quorum.bootstrap.servers": voters.map((id) => `node${id}:${NODE_PORT}`).join(",") }),
    "log.segment.bytes": 16_384,
    "log.index.interval.bytes": 1024,
    "log.min.free.bytes": 1024,
    "log.flush.policy": flushPolicy,
    "controller.log.checkpoint.records": 60,
    "auto.create.topics.enable": false,
    "shutdown.timeout.ms": 5_000,
  };
}
