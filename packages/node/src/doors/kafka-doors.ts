import { strict as assert } from "node:assert";
import { KafkaEntrance } from "@ottla/broker";
import type { Host, Listener, Logger } from "@ottla/host";
import type { NamedListener, NodeConfig, pb } from "@ottla/protocol";
import { local, reachable } from "./addresses.ts";

/** The listeners for Kafka's clients. They open before the broker behind them exists, so that its registration can name their ports; until then
 * whoever comes waits a moment. */
export class KafkaDoors {
  readonly entrance: KafkaEntrance;
  readonly #config: NodeConfig;
  readonly #host: Host;
  #open: { readonly name: string; readonly listener: Listener }[] = [];

  constructor(config: NodeConfig, host: Host, logger: Logger) {
    this.#config = config;
    this.#host = host;
    this.entrance = new KafkaEntrance({ config, clock: host.clock, logger });
  }

  /** @throws Error naming the address and the setting: in use, or not of this machine */
  async open(): Promise<void> {
    try {
      for (const { name, ...at } of this.#config.listeners) {
        const listener = await this.#host.network.listenFramed(at, (connection) => this.entrance.accept(name, connection), this.entrance);
        this.#open.push({ name, listener });
      }
    } catch (error) {
      await this.close(0);
      throw new Error(`${error instanceof Error ? error.message : String(error)}; set listeners to another address`, { cause: error });
    }
  }

  /** Where clients on this machine reach the node. */
  get bootstrap(): string[] {
    return this.#open.map(({ listener }) => local(listener.address));
  }

  /** What the node registers: for each listener the advertised address, else its own. */
  endpoints(): pb.Endpoint[] {
    assert(this.#open.length > 0, "A node registers once its doors are open");
    return this.#open.map(({ name, listener }) => {
      const advertised = this.#config.advertisedListeners.find((each: NamedListener) => each.name === name);
      const { host, port } = advertised ?? reachable(listener.address, this.#host.network.hostName);
      return { listener: name, host, port };
    });
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#open.splice(0).map(({ listener }) => listener.close(graceMs)));
  }
}
