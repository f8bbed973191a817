import type { Address, Attributes, Session } from "@ottla/host";
import type { ClusterImage } from "@ottla/metadata";
import { formatAddress, type NodeConfig } from "@ottla/protocol";

/** A way to a controller. */
export interface Candidate {
  /** Unique among the candidates. */
  readonly name: string;
  /** Null: whoever answers at the address. */
  readonly nodeId: number | null;
  dial(service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
}

export interface ControllersOptions {
  readonly nodeId: number;
  readonly config: Pick<NodeConfig, "controllerQuorumVoters" | "controllerQuorumBootstrapServers">;
  readonly image: ClusterImage;
  /** Reaches the controller in this very process; null when there is none. */
  readonly ownController: ((service: string, attributes: Attributes) => Promise<Session>) | null;
  dialNode(address: Address, nodeId: number | null, service: string, attributes: Attributes, signal: AbortSignal): Promise<Session>;
}

/** Where controllers may be found: in this process, at the addresses that the metadata name, and at those of the configuration. */
export class Controllers {
  readonly #options: ControllersOptions;

  constructor(options: ControllersOptions) {
    this.#options = options;
  }

  /** All of them, this process first; the others begin at another place on each node, so that not all ask the same one. */
  candidates(): Candidate[] {
    const { nodeId, ownController } = this.#options;
    const others = this.#others();
    const first = others.length === 0 ? 0 : nodeId % others.length;
    const turned = [...others.slice(first), ...others.slice(0, first)];
    if (ownController === null) return turned;
    return [{ name: `node ${nodeId}`, nodeId, dial: (service, attributes) => ownController(service, attributes) }, ...turned];
  }

  #others(): Candidate[] {
    const { image, config, dialNode, nodeId: self } = this.#options;
    const found = new Map<string, Candidate>();
    const places = new Set<string>();
    const add = (nodeId: number | null, address: Address | undefined): void => {
      if (address === undefined || nodeId === self) return;
      const place = formatAddress(address);
      // An address that was named with its node is not tried without it.
      if (nodeId === null && places.has(place)) return;
      places.add(place);
      const name = nodeId === null ? place : `node ${nodeId} at ${place}`;
      found.set(name, {
        name,
        nodeId,
        dial: (service, attributes, signal) => dialNode(address, nodeId, service, attributes, signal),
      });
    };
    for (const { nodeId, host, port } of image.voters) {
      // A node that has moved has registered where it is now.
      add(
        nodeId,
        image.brokers.get(nodeId)?.endpoints.find(({ listener }) => listener === "NODE"),
      );
      add(nodeId, { host, port });
    }
    for (const { nodeId, address } of config.controllerQuorumVoters) add(nodeId, address);
    for (const address of config.controllerQuorumBootstrapServers) add(null, address);
    return [...found.values()];
  }
}
