import { strict as assert } from "node:assert";
import { hostname } from "node:os";
import { type Listener, type Network, NetworkError, type Service, type Session } from "@ottla/host";
import { formatAddress, type NodeConfig, type pb } from "@ottla/protocol";

/** The gRPC doors for clients. They open before the broker behind them exists, so that its registration can name their ports; until then
 * a client is refused and comes again. */
export class ClientDoors {
  readonly #config: NodeConfig;
  readonly #listeners: Listener[] = [];

  constructor(config: NodeConfig) {
    this.#config = config;
  }

  /** @throws Error naming the address and the setting: in use, or not of this machine */
  async open(network: Network, services: readonly Service[]): Promise<void> {
    const limits = { maxFrameBytes: this.#config.grpcMaxMessageBytes, maxSessions: this.#config.maxConnections };
    for (const at of this.#config.grpcListeners) {
      try {
        this.#listeners.push(await network.listen(at, services, limits));
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : String(error)}; set grpc.listeners to another address`, {
          cause: error,
        });
      }
    }
  }

  /** Where clients on this machine reach the node. */
  get bootstrap(): string[] {
    return this.#listeners.map(({ address }) =>
      formatAddress({ host: isWildcard(address.host) ? "127.0.0.1" : address.host, port: address.port }),
    );
  }

  /** What the node registers: the advertised address, else the first door, by this machine's name when it listens on every interface. */
  endpoint(): pb.Endpoint {
    const first = this.#listeners[0];
    assert(first, "A node registers once its doors are open");
    const { host, port } = this.#config.grpcAdvertisedListeners[0] ?? first.address;
    return { listener: "GRPC", host: isWildcard(host) ? hostname() : host, port: port === 0 ? first.address.port : port };
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close(graceMs)));
  }
}

/** Services that refuse with STARTING until `serve` names the real ones. */
export class LateServices {
  readonly services: readonly Service[];
  readonly #real = new Map<string, Service>();

  constructor(names: readonly string[]) {
    this.services = names.map((name) => ({ name, accept: (session: Session) => this.#accept(name, session) }));
  }

  serve(services: readonly Service[]): void {
    for (const service of services) this.#real.set(service.name, service);
  }

  #accept(name: string, session: Session): ReturnType<Service["accept"]> {
    const service = this.#real.get(name);
    if (!service)
      throw new NetworkError({ kind: "rejected", code: "BROKER_NOT_AVAILABLE", message: "This node is still starting; try again" });
    return service.accept(session);
  }
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
