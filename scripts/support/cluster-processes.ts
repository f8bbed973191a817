import { join } from "node:path";
import { freePort, NodeProcess } from "./node-process.ts";

export interface ClusterOptions {
  /** Each node gets a directory of its own below it. */
  readonly directory: string;
  readonly nodes?: number;
  /** Settings of every node by their dotted names. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Where each node lives; by default on this machine's loopback, on ports that are free. */
  site?(nodeId: number): Promise<Site>;
}

export interface Site {
  readonly host: string;
  /** For Kafka's clients. */
  readonly kafka: number;
  readonly grpc: number;
  readonly node: number;
  readonly http: number;
  /** Instead of a directory below the cluster's. */
  readonly dataDir?: string;
  /** A command that runs the node, and becomes its process. */
  readonly through?: readonly string[];
}

/** Nodes that are controllers and brokers of one cluster, each in a process of its own, on addresses that outlive their restarts. */
export class ClusterProcesses {
  readonly #options: ClusterOptions;
  readonly #sites: Map<number, Site>;
  readonly #voters: readonly number[];
  readonly #running = new Map<number, NodeProcess>();

  private constructor(options: ClusterOptions, sites: Map<number, Site>) {
    this.#options = options;
    this.#sites = sites;
    this.#voters = [...sites.keys()];
  }

  /** Addresses for the nodes; none runs yet. */
  static async plan(options: ClusterOptions): Promise<ClusterProcesses> {
    const sites = new Map<number, Site>();
    for (let nodeId = 1; nodeId <= (options.nodes ?? 3); nodeId += 1) sites.set(nodeId, await siteOf(options, nodeId));
    return new ClusterProcesses(options, sites);
  }

  /** Resolves once all of them serve. */
  static async start(options: ClusterOptions): Promise<ClusterProcesses> {
    const cluster = await ClusterProcesses.plan(options);
    await Promise.all(cluster.nodeIds.map((nodeId) => cluster.startNode(nodeId)));
    return cluster;
  }

  get nodeIds(): number[] {
    return [...this.#sites.keys()];
  }

  /** Every node's address, also of those that do not run. */
  get bootstrap(): string[] {
    return [...this.#sites.values()].map(({ host, grpc }) => `${host}:${grpc}`);
  }

  /** The same for Kafka's clients. */
  get kafkaBootstrap(): string[] {
    return [...this.#sites.values()].map(({ host, kafka }) => `${host}:${kafka}`);
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
    return this.#sites.get(nodeId)?.dataDir ?? join(this.#options.directory, `node-${nodeId}`);
  }

  isRunning(nodeId: number): boolean {
    return this.#running.has(nodeId);
  }

  /** A further node, a broker that joins the cluster there is. Resolves once it serves. */
  async join(nodeId: number): Promise<NodeProcess> {
    this.#sites.set(nodeId, await siteOf(this.#options, nodeId));
    return this.startNode(nodeId);
  }

  /** One that has ended and will not come back. */
  forget(nodeId: number): void {
    if (this.#running.has(nodeId)) throw new Error(`Node ${nodeId} still runs`);
    this.#sites.delete(nodeId);
  }

  /** Resolves once it serves. */
  async startNode(nodeId: number): Promise<NodeProcess> {
    const site = this.#sites.get(nodeId);
    if (!site) throw new Error(`No node ${nodeId} was planned`);
    const addresses = this.#voters
      .map((id) => [id, this.#sites.get(id)] as const)
      .flatMap(([id, at]) => (at ? [{ id, at: `${at.host}:${at.node}` }] : []));
    const place: Record<string, string> = this.#voters.includes(nodeId)
      ? { "controller.quorum.voters": addresses.map(({ id, at }) => `${id}@${at}`).join(",") }
      : { "controller.quorum.bootstrap.servers": addresses.map(({ at }) => at).join(",") };
    const started = await NodeProcess.start({
      dataDir: this.dataDir(nodeId),
      settings: {
        "node.id": String(nodeId),
        ...place,
        listeners: `${site.host}:${site.kafka}`,
        "grpc.listeners": `${site.host}:${site.grpc}`,
        "node.listeners": `${site.host}:${site.node}`,
        "http.listeners": `${site.host}:${site.http}`,
        ...this.#options.settings,
      },
      ...(this.#options.env ? { env: this.#options.env } : {}),
      ...(site.through ? { through: site.through } : {}),
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

  /** Starts a node that has ended by itself, as a supervisor would. */
  async reviveIfEnded(nodeId: number): Promise<void> {
    if (this.#running.get(nodeId)?.hasEnded === true) await this.startNode(nodeId);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((nodeId) => this.stopNode(nodeId)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((nodeId) => this.killNode(nodeId)));
  }
}

async function siteOf(options: ClusterOptions, nodeId: number): Promise<Site> {
  if (options.site) return options.site(nodeId);
  return { host: "127.0.0.1", kafka: await freePort(), grpc: await freePort(), node: await freePort(), http: await freePort() };
}
