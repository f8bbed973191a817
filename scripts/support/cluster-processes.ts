import { join } from "node:path";
import { freePort, NodeProcess } from "./node-process.ts";

export interface ClusterOptions {
  /** Each node gets a directory of its own below it. */
  readonly directory: string;
  readonly nodes?: number;
  /** Settings of every node by their dotted names. */
  readonly settings?: Readonly<Record<string, string>>;
}

interface Ports {
  readonly grpc: number;
  readonly node: number;
  readonly http: number;
}

/** Nodes that are controllers and brokers of one cluster, each in a process of its own, on addresses that outlive their restarts. */
export class ClusterProcesses {
  readonly #options: ClusterOptions;
  readonly #ports: ReadonlyMap<number, Ports>;
  readonly #running = new Map<number, NodeProcess>();

  private constructor(options: ClusterOptions, ports: ReadonlyMap<number, Ports>) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Addresses for the nodes; none runs yet. */
  static async plan(options: ClusterOptions): Promise<ClusterProcesses> {
    const ports = new Map<number, Ports>();
    for (let nodeId = 1; nodeId <= (options.nodes ?? 3); nodeId += 1)
      ports.set(nodeId, { grpc: await freePort(), node: await freePort(), http: await freePort() });
    return new ClusterProcesses(options, ports);
  }

  /** Resolves once all of them serve. */
  static async start(options: ClusterOptions): Promise<ClusterProcesses> {
    const cluster = await ClusterProcesses.plan(options);
    await Promise.all(cluster.nodeIds.map((nodeId) => cluster.startNode(nodeId)));
    return cluster;
  }

  get nodeIds(): number[] {
    return [...this.#ports.keys()];
  }

  /** Every node's address, also of those that do not run. */
  get bootstrap(): string[] {
    return [...this.#ports.values()].map(({ grpc }) => `127.0.0.1:${grpc}`);
  }

  get running(): NodeProcess[] {
    return [...this.#running.values()];
  }

  /** Of a node that runs. */
  node(nodeId: number): NodeProcess {
    const node = this.#running.get(nodeId);
    if (!node) throw new Error(`Node ${nodeId} does not run`);
    return node;
  }

  dataDir(nodeId: number): string {
    return join(this.#options.directory, `node-${nodeId}`);
  }

  /** Resolves once it serves. */
  async startNode(nodeId: number): Promise<NodeProcess> {
    const ports = this.#ports.get(nodeId);
    if (!ports) throw new Error(`No node ${nodeId} was planned`);
    const voters = [...this.#ports].map(([id, { node }]) => `${id}@127.0.0.1:${node}`).join(",");
    const started = await NodeProcess.start({
      dataDir: this.dataDir(nodeId),
      settings: {
        "node.id": String(nodeId),
        "controller.quorum.voters": voters,
        "grpc.listeners": `127.0.0.1:${ports.grpc}`,
        "node.listeners": `127.0.0.1:${ports.node}`,
        "http.listeners": `127.0.0.1:${ports.http}`,
        ...this.#options.settings,
      },
    });
    this.#running.set(nodeId, started);
    return started;
  }

  async killNode(nodeId: number): Promise<void> {
    const node = this.node(nodeId);
    this.#running.delete(nodeId);
    await node.kill();
  }

  async stopNode(nodeId: number): Promise<void> {
    const node = this.node(nodeId);
    this.#running.delete(nodeId);
    await node.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((nodeId) => this.stopNode(nodeId)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((nodeId) => this.killNode(nodeId)));
  }
}
