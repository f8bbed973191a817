import { strict as assert } from "node:assert";
import type { Listener, Network, Service } from "@ottla/host";
import { type NodeConfig, type pb, services } from "@ottla/protocol";
import { local, reachable } from "./addresses.ts";
import { LateServices } from "./late-services.ts";
import { openDoors } from "./open.ts";
import { elsewhere } from "./wrong-door.ts";

/** The gRPC doors for clients. They open before the broker behind them exists, so that its registration can name their ports; until then
 * a client is refused and comes again. */
export class ClientDoors {
  readonly #config: NodeConfig;
  readonly #services = new LateServices([services.produce, services.fetch, services.call]);
  readonly #network: Network;
  readonly #nodeDoor: () => string;
  #listeners: Listener[] = [];

  /** @param nodeDoor the address of the door for nodes, for those who dial the wrong one */
  constructor(config: NodeConfig, network: Network, nodeDoor: () => string) {
    this.#config = config;
    this.#network = network;
    this.#nodeDoor = nodeDoor;
  }

  /** @throws Error naming the address and the setting: in use, or not of this machine */
  async open(): Promise<void> {
    const { nodeId, grpcListeners, grpcMaxMessageBytes, maxConnections } = this.#config;
    const misled = elsewhere(
      [services.session, services.metadata, services.raft, services.replication],
      () => `This is the door of node ${nodeId} for clients (grpc.listeners); its door for nodes (node.listeners) is ${this.#nodeDoor()}`,
    );
    this.#listeners = await openDoors(this.#network, "grpc.listeners", grpcListeners, [...this.#services.services, ...misled], {
      maxFrameBytes: grpcMaxMessageBytes,
      maxSessions: maxConnections,
    });
  }

  serve(real: readonly Service[]): void {
    this.#services.serve(real);
  }

  /** Where clients on this machine reach the node. */
  get bootstrap(): string[] {
    return this.#listeners.map(({ address }) => local(address));
  }

  /** What the node registers: the advertised addresses, else the first door. */
  endpoints(): pb.Endpoint[] {
    const first = this.#listeners[0];
    assert(first, "A node registers once its doors are open");
    const { grpcAdvertisedListeners: advertised } = this.#config;
    const addresses = advertised.length > 0 ? advertised : [reachable(first.address, this.#network.hostName)];
    return addresses.map((address) => ({ listener: "GRPC", ...address }));
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close(graceMs)));
  }
}
