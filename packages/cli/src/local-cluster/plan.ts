import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "../exit-codes.ts";

/** Doors of a node, counted from its first port. */
const door = { kafka: 0, grpc: 1, http: 2, node: 3 } as const;
const portsBetweenNodes = 100;
/** More voters make every commit wait for more disks; three survive the loss of any one. */
const mostVoters = 3;
const address = "127.0.0.1";

/** One node of a cluster on this machine: the whole of what tells it from its peers. */
export interface NodePlan {
  readonly nodeId: number;
  readonly kafka: string;
  readonly grpc: string;
  readonly http: string;
  readonly dataDir: string;
  readonly logFile: string;
  /** What follows `ottla` on its command line. */
  readonly args: readonly string[];
}

export interface PlanOptions {
  readonly dataDir: string;
  readonly nodes: number;
  readonly basePort: number;
  /** Settings for every node, as flags. */
  readonly settings: readonly string[];
}

export function plan({ dataDir, nodes, basePort, settings }: PlanOptions): NodePlan[] {
  const last = basePort + portsBetweenNodes * (nodes - 1) + door.node;
  if (last > 65_535) throw new UsageError(`--base-port is ${basePort}; with ${nodes} nodes the last door would be ${last}, above 65535`);
  const ids = Array.from({ length: nodes }, (_, at) => at + 1);
  const at = (nodeId: number, which: number): string => `${address}:${basePort + portsBetweenNodes * (nodeId - 1) + which}`;
  const voters = ids.slice(0, mostVoters);
  const list = voters.map((id) => `${id}@${at(id, door.node)}`).join(",");
  return ids.map((nodeId) => {
    const directory = join(resolve(dataDir), `node-${nodeId}`);
    const joining = voters.includes(nodeId)
      ? [`--controller-quorum-voters=${list}`]
      : [`--controller-quorum-bootstrap-servers=${voters.map((id) => at(id, door.node)).join(",")}`];
    const own = ["--node-id", String(nodeId), "--data-dir", directory];
    const doors = [
      `--listeners=${at(nodeId, door.kafka)}`,
      `--grpc-listeners=${at(nodeId, door.grpc)}`,
      `--http-listeners=${at(nodeId, door.http)}`,
      `--node-listeners=${at(nodeId, door.node)}`,
    ];
    return {
      nodeId,
      kafka: at(nodeId, door.kafka),
      grpc: at(nodeId, door.grpc),
      http: at(nodeId, door.http),
      dataDir: directory,
      logFile: `${directory}.log`,
      args: ["start", ...own, ...doors, ...joining, "--json", ...settings],
    };
  });
}

/** How many nodes have a data directory there: ids without a gap from 1 on. */
export async function nodesIn(dataDir: string): Promise<number> {
  const names = await readdir(dataDir).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return Math.max(0, ...names.map((name) => Number(/^node-(\d+)$/.exec(name)?.[1] ?? 0)));
}
