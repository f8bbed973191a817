import { memoryHost } from "@ottla/host";
import { Ottla, type OttlaOptions } from "../ottla.ts";
import { FakeBroker } from "./fake-broker.test.kit.ts";
import { describe } from "./fake-partition.test.kit.ts";
import { FakeState } from "./fake-state.test.kit.ts";

/** Brokers with logs in memory, and what shall go wrong with them. */
export class FakeCluster extends FakeState implements AsyncDisposable {
  readonly brokers = new Map<number, FakeBroker>();
  readonly #clients: Ottla[] = [];

  private constructor(seed: number) {
    super(memoryHost({ seed, hostName: "client" }));
  }

  static async start({ brokers = 1, seed = 1 }: { brokers?: number; seed?: number } = {}): Promise<FakeCluster> {
    const cluster = new FakeCluster(seed);
    for (let nodeId = 1; nodeId <= brokers; nodeId++) {
      const host = memoryHost({ seed: seed + nodeId, hostName: `broker${nodeId}`, beside: cluster.host });
      cluster.nodeIds.push(nodeId);
      cluster.brokers.set(nodeId, await FakeBroker.start(cluster, nodeId, host));
    }
    return cluster;
  }

  client(options: Partial<OttlaOptions> = {}): Ottla {
    const client = new Ottla({ bootstrap: ["broker1:9093"], host: this.host, ...options });
    this.#clients.push(client);
    return client;
  }

  /** The process is gone: its streams break and nothing listens there. Somebody else leads `electedMs` later. */
  kill(nodeId: number, electedMs: number, successor: number): void {
    this.host.network.trouble({ refused: true }, `broker${nodeId}`);
    this.host.network.reset(`broker${nodeId}`);
    this.#elect(nodeId, electedMs, successor);
  }

  /** The process stands still or is cut off: nothing breaks, nothing answers. */
  freeze(nodeId: number, electedMs: number, successor: number): void {
    this.host.network.trouble({ stalled: true }, `broker${nodeId}`);
    this.brokers.get(nodeId)?.host.network.trouble({ stalled: true });
    this.#elect(nodeId, electedMs, successor);
  }

  /** Other nodes cannot reach it, clients can: it leads nothing any more and does not know who does. */
  cutOff(nodeId: number, successor: number): void {
    const partitions = [...this.topics.values()].flatMap((topic) => topic.partitions);
    this.stale.set(nodeId, new Map([...this.topics].map(([name, topic]) => [name, topic.partitions.map(describe)])));
    for (const partition of partitions) if (partition.leader === nodeId) this.move(partition, successor);
  }

  #elect(nodeId: number, electedMs: number, successor: number): void {
    this.clock.after(electedMs, () => {
      this.nodeIds.splice(this.nodeIds.indexOf(nodeId), 1);
      for (const { partitions } of this.topics.values())
        for (const partition of partitions) if (partition.leader === nodeId) this.move(partition, successor);
    });
  }

  /** Lets virtual time pass until the promise settles. */
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.clock.run(promise, limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await this.run(client.close());
  }
}
