import { memoryHost } from "@ottla/host";
import { Ottla, type OttlaOptions } from "../ottla.ts";
import { FakeBroker } from "./fake-broker.test.kit.ts";
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

  /** Lets virtual time pass until the promise settles. */
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.clock.run(promise, limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await this.run(client.close());
  }
}
