import { memoryHost, silentLogger, type Address, type Logger, type MemoryHost } from "@ottla/host";
import type { MetadataVersions } from "@ottla/metadata";
import { services, testConfig, type NodeConfig } from "@ottla/protocol";
import { Controller } from "./controller.ts";

export const DIRECTORY = "/data/controller";

export interface TestNode {
  readonly nodeId: number;
  host: MemoryHost;
  controller: Controller;
  /** What ended it. */
  fatal: Error[];
}

export interface ClusterOptions {
  readonly config?: Partial<NodeConfig>;
  readonly logger?: (nodeId: number) => Logger;
  /** By node, where lists are to differ. */
  readonly listed?: (nodeId: number) => readonly number[];
  readonly clusterId?: string;
}

const MAX_FRAME_BYTES = 64 << 20;

export const addressOf = (nodeId: number): Address => ({ host: `node${nodeId}`, port: 9095 });

/** How a node starts. */
interface Start {
  readonly host?: MemoryHost;
  readonly config?: Partial<NodeConfig>;
  readonly clusterId?: string;
  readonly metadataVersions?: MetadataVersions;
  /** Where that is not its address. */
  readonly saysItIsAt?: Address;
}

/** Controllers on machines of their own that dial each other. */
export class TestCluster {
  readonly nodes = new Map<number, TestNode>();
  readonly #options: ClusterOptions;
  readonly #first: MemoryHost;
  readonly #seed: number;
  #lives = 0;

  constructor(options: ClusterOptions = {}, seed = 7) {
    this.#options = options;
    this.#seed = 100 * seed;
    this.#first = memoryHost({ seed, hostName: "nobody" });
  }

  static async of(nodeIds: readonly number[], options: ClusterOptions = {}, seed = 7): Promise<TestCluster> {
    const cluster = new TestCluster(options, seed);
    for (const nodeId of nodeIds) await cluster.start(nodeId);
    return cluster;
  }

  get clock(): MemoryHost["clock"] {
    return this.#first.clock;
  }

  node(nodeId: number): TestNode {
    const node = this.nodes.get(nodeId);
    if (node === undefined) throw new Error(`there is no node ${nodeId}`);
    return node;
  }

  /** A machine with an empty disk, or with another one's place taken. */
  start(nodeId: number, o: Start = {}): Promise<TestNode> {
    return this.clock.run(this.begin(nodeId, o), 60_000);
  }

  async begin(nodeId: number, o: Start = {}): Promise<TestNode> {
    const host = o.host ?? memoryHost({ seed: this.#seed + 10 * this.#lives++ + nodeId, hostName: `node${nodeId}`, beside: this.#first });
    const fatal: Error[] = [];
    const listed = this.#options.listed?.(nodeId) ?? [1, 2, 3];
    const clusterId = o.clusterId ?? this.#options.clusterId;
    const controller = await Controller.start({
      host,
      config: testConfig({
        controllerQuorumVoters: listed.map((id) => ({ nodeId: id, address: addressOf(id) })),
        ...this.#options.config,
        ...o.config,
      }),
      nodeId,
      directory: DIRECTORY,
      version: "0",
      logger: this.#options.logger?.(nodeId) ?? silentLogger,
      onFatal: (error) => fatal.push(error),
      nodeAddress: () => o.saysItIsAt ?? addressOf(nodeId),
      dial: ({ address }, service, attributes, signal) =>
        host.network.dial(address, service, { attributes, maxFrameBytes: MAX_FRAME_BYTES, signal }),
      ...(clusterId === undefined ? {} : { clusterId }),
      ...(o.metadataVersions ? { metadataVersions: o.metadataVersions } : {}),
    });
    await host.network.listen(
      addressOf(nodeId),
      [services.raft, services.session, services.metadata].map((name) => ({ name, accept: (session) => controller.accept(session) })),
      { maxFrameBytes: MAX_FRAME_BYTES, maxSessions: 100 },
    );
    const node = { nodeId, host, controller, fatal };
    this.nodes.set(nodeId, node);
    return node;
  }

  crash(nodeId: number): void {
    this.node(nodeId).host.crash();
  }

  /** On what its disk kept. */
  restart(nodeId: number, o: Start = {}): Promise<TestNode> {
    return this.start(nodeId, { ...o, host: this.node(nodeId).host.restart() });
  }

  get alive(): TestNode[] {
    return [...this.nodes.values()].filter(({ host }) => !host.crashed);
  }

  leading(): TestNode | undefined {
    return this.alive.find(({ controller }) => {
      const inspection = controller.inspect();
      return inspection?.role === "leader" && inspection.commitIndex === inspection.lastIndex && controller.status.clusterId !== null;
    });
  }

  async leader(): Promise<TestNode> {
    await this.clock.runUntil(() => this.leading() !== undefined, 30_000);
    const leader = this.leading();
    if (leader === undefined) throw new Error("nobody leads");
    return leader;
  }

  /** Until all that are alive have applied the same entries. */
  async settled(): Promise<void> {
    await this.clock.runUntil(() => {
      const indexes = this.alive.map(({ controller }) => controller.inspect()?.appliedIndex);
      const leader = this.leading();
      return leader !== undefined && indexes.every((index) => index === leader.controller.status.lastIndex);
    }, 30_000);
  }

  async close(): Promise<void> {
    await this.clock.run(Promise.all(this.alive.map(({ controller }) => controller.close())), 60_000);
  }
}
