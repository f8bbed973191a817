import { mkdir } from "node:fs/promises";
import { LocalNode } from "./local-node.ts";
import type { NodePlan } from "./plan.ts";

export type NodeAction = "kill" | "stop" | "restart";

/** The nodes of a cluster on this machine, each a process of its own. */
export class LocalCluster implements AsyncDisposable {
  readonly nodes: readonly LocalNode[];

  private constructor(nodes: readonly LocalNode[]) {
    this.nodes = nodes;
  }

  /** @param onChange told of every step of every node */
  static async prepare(dataDir: string, plans: readonly NodePlan[], onChange: (node: LocalNode) => void): Promise<LocalCluster> {
    await mkdir(dataDir, { recursive: true });
    return new LocalCluster(plans.map((plan) => new LocalNode(plan, onChange)));
  }

  /** Starts all; resolves when all are ready.
   * @throws Error with the last words of the first that failed */
  async start(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    aborted.catch(() => {}); // raced below
    signal.throwIfAborted();
    const starting = this.nodes.map((node) => node.start());
    const all = Promise.all(starting);
    all.catch(() => {}); // raced below
    await Promise.race([all, aborted]);
  }

  /** @returns what was done, in words
   * @throws Error when there is no such node, or it is not in a state for it */
  async act(action: NodeAction, nodeId: number): Promise<string> {
    const node = this.nodes.find(({ plan }) => plan.nodeId === nodeId);
    if (!node)
      throw new Error(`Cannot ${action} node ${nodeId}: this cluster has nodes ${this.nodes.map(({ plan }) => plan.nodeId).join(", ")}`);
    const { state } = node;
    if (action === "restart") {
      if (state.kind !== "ended") await node.stop();
      await node.start();
      return `Node ${nodeId} is ready again`;
    }
    if (state.kind === "ended") throw new Error(`Cannot ${action} node ${nodeId}: it is not running (it ended ${state.how})`);
    await (action === "kill" ? node.kill() : node.stop());
    return action === "kill" ? `Node ${nodeId} was killed with SIGKILL` : `Node ${nodeId} was stopped in order`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}
