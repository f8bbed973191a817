import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Nodes } from "./cluster.ts";

/** A cluster that runs already, Kafka's for example: the same tests must pass there. With process ids its nodes are killed and started again
 * with the command line that they had.
 * @param pids "1=4711,2=4712,…" */
export async function givenNodes(bootstrap: string, pids: string | undefined): Promise<Nodes> {
  if (pids === undefined) return { bootstrap, power: null, [Symbol.asyncDispose]: async () => {} };
  const processes = new Map<number, { pid: number; commandLine: string[] }>();
  for (const pair of pids.split(",")) {
    const [nodeId, pid] = pair.split("=").map(Number);
    if (!nodeId || !pid) throw new Error(`--pids wants NODE=PID,…, not ${pair}`);
    const commandLine = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").slice(0, -1);
    processes.set(nodeId, { pid, commandLine });
  }
  const started = new Set<number>();
  const power = {
    async kill(nodeId: number): Promise<void> {
      process.kill(processes.get(nodeId)?.pid ?? -1, "SIGKILL");
    },
    async start(nodeId: number): Promise<void> {
      const node = processes.get(nodeId);
      const [program = "", ...args] = node?.commandLine ?? [];
      const { pid } = spawn(program, args, { stdio: "ignore", detached: true });
      if (!node || pid === undefined) throw new Error(`Node ${nodeId} does not start`);
      started.add(nodeId);
      node.pid = pid;
    },
  };
  return {
    bootstrap,
    power,
    async [Symbol.asyncDispose]() {
      // They go on running, as they were found; whoever stops them needs to know which processes they are.
      for (const nodeId of started) console.log(`Node ${nodeId} is process ${processes.get(nodeId)?.pid} now`);
    },
  };
}
