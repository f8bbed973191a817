import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterProcesses } from "../../../scripts/support/cluster-processes.ts";
import type { Nodes } from "./cluster.ts";

/** Nodes of Ottla, a process each. */
export async function ottlaNodes(nodes: 1 | 3): Promise<Nodes> {
  const directory = await mkdtemp(join(tmpdir(), "ottla-compat-"));
  const cluster = await ClusterProcesses.start({ directory, nodes });
  return {
    bootstrap: cluster.kafkaBootstrap.join(","),
    power: {
      kill: (nodeId) => cluster.killNode(nodeId),
      start: async (nodeId) => void (await cluster.startNode(nodeId)),
    },
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
