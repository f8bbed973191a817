import { strict as assert } from "node:assert";
import type { Address, Attributes, Listener, Network, Service, Session } from "@ottla/host";
import { formatAddress, isLoopback, type NodeConfig, type pb, services } from "@ottla/protocol";
import { checkHandshake } from "../cluster/handshake.ts";
import { reachable } from "./addresses.ts";
import { LateServices } from "./late-services.ts";
import { openDoors } from "./open.ts";
import { elsewhere } from "./wrong-door.ts";

/** The largest entry of the controllers' log, or answer of theirs, is far below it. */
export const NODE_FRAME_BYTES = 64 << 20;
/** A few streams for each other node. */
const SESSIONS_MAX = 4096;

export interface NodeDoorOptions {
  readonly config: NodeConfig;
  readonly network: Network;
  clusterId(): string | null;
  /** Where clients are expected, for those who come here. */
  clientDoors(): readonly string[];
}

/** The door between nodes: a listener and services of its own, and a handshake before any of them. */
export class NodeDoor {
  readonly #options: NodeDoorOptions;
  readonly #services = new LateServices([services.session, services.metadata, services.raft, services.replication]);
  #listeners: Listener[] = [];

  constructor(options: NodeDoorOptions) {
    this.#options = options;
  }

  /** @throws Error naming the address and the setting: in use, or not of this machine */
  async open(): Promise<void> {
    const { config, network, clientDoors } = this.#options;
    const guarded = this.#services.services.map((service): Service => ({
      name: service.name,
      accept: (session) => this.#accept(service, session),
    }));
    const misled = elsewhere([services.produce, services.fetch, services.call], () => {
      const doors = clientDoors();
      const there =
        doors.length === 0 ? "it has none for clients, having no broker" : `its door for clients (grpc.listeners) is ${doors.join(", ")}`;
      return `This is the door of node ${config.nodeId} for other nodes (node.listeners); ${there}`;
    });
    this.#listeners = await openDoors(network, "node.listeners", config.nodeListeners, [...guarded, ...misled], {
      maxFrameBytes: NODE_FRAME_BYTES,
      maxSessions: SESSIONS_MAX,
    });
  }

  serve(real: readonly Service[]): void {
    this.#services.serve(real);
  }

  /** As other nodes reach it: the advertised address, what the list of voters says of this node, else where it listens. */
  get address(): Address {
    const { config, network } = this.#options;
    const { nodeId, nodeAdvertisedListeners, controllerQuorumVoters, nodeListeners } = config;
    const { hostName } = network;
    const [configured] = nodeListeners;
    const listed = controllerQuorumVoters.find((voter) => voter.nodeId === nodeId && voter.address.port !== 0)?.address;
    const [advertised] = nodeAdvertisedListeners;
    if (advertised) return advertised;
    // The list of a node that is alone says localhost, wherever its door is.
    if (listed && (!isLoopback(listed.host) || (configured && isLoopback(configured.host)))) return listed;
    if (configured && configured.port !== 0) return reachable(configured, hostName);
    const first = this.#listeners[0];
    assert(first, "A node says where it is once its doors are open");
    return reachable(first.address, hostName);
  }

  /** For people. */
  get name(): string {
    return formatAddress(this.address);
  }

  endpoint(): pb.Endpoint {
    return { listener: "NODE", ...this.address };
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close(graceMs)));
  }

  #accept(service: Service, session: Session): Attributes {
    const { config, clusterId } = this.#options;
    const answer = checkHandshake(session.attributes, { nodeId: config.nodeId, clusterId: clusterId(), address: this.name });
    return { ...answer, ...service.accept(session) };
  }
}
