import type { Broker } from "@ottla/broker";
import type { Controller } from "@ottla/controller";
import type { Address, Metric, Timer } from "@ottla/host";
import { ClientDoors } from "./doors/client-doors.ts";
import { KafkaDoors } from "./doors/kafka-doors.ts";
import { NodeDoor } from "./doors/node-door.ts";
import { healthOf } from "./health.ts";
import { type Health, HttpDoor } from "./http/http-door.ts";
import { startBroker, startController, type Surroundings } from "./roles.ts";

/** Looks into the parts of a node from the moment they exist, which is before the node serves. */
export interface NodeInspector {
  controller?(controller: Controller): void;
  broker?(broker: Broker): void;
}

/** A node that does not serve yet says this often what it waits for. */
const WAITING_TOLD_MS = 5000;
/** The sessions of nodes are ended by their owners; this is for what is still on its way. */
const NODE_DOOR_GRACE_MS = 500;

/** What a node is made of, in the order in which it starts and the reverse of which it ends. */
export class Parts {
  readonly clients: ClientDoors;
  readonly kafka: KafkaDoors;
  readonly #around: Surroundings;
  readonly #nodes: NodeDoor;
  #http: HttpDoor | null = null;
  #controller: Controller | null = null;
  #broker: Broker | null = null;
  /** What has been begun and must end when the start fails. */
  #ends: (() => Promise<void>)[] = [];

  private constructor(around: Surroundings) {
    const { config } = around.loaded;
    const { network } = around.host;
    this.#around = around;
    this.clients = new ClientDoors(config, network, () => this.#nodes.name);
    this.kafka = new KafkaDoors(config, around.host, around.logger);
    this.#nodes = new NodeDoor({
      config,
      network,
      clusterId: () => around.directory.clusterId ?? this.#controller?.clusterId ?? null,
      clientDoors: () => this.clients.bootstrap,
    });
  }

  /** Starts everything; on a failure ends what had started, then throws. */
  static async start(around: Surroundings, inspector: NodeInspector): Promise<Parts> {
    const parts = new Parts(around);
    try {
      await parts.#start(inspector);
      return parts;
    } catch (error) {
      for (const end of parts.#ends.reverse())
        await end().catch((cause: unknown) => around.logger.error({ err: cause }, "A part of the node did not end in order"));
      throw error;
    }
  }

  get httpAddress(): Address | null {
    return this.#http?.address ?? null;
  }

  health(): Health {
    return healthOf(this.#controller, this.#broker);
  }

  samples(): Metric[] {
    return [...(this.#broker?.samples() ?? []), ...(this.#controller?.samples() ?? [])];
  }

  /** Leadership of partitions goes first, while everybody is still answered; then the clients; then the controller, because the broker says
   * goodbye to it and it hands on its own leadership; last the door that all of this goes through. */
  async close(graceMs: number): Promise<void> {
    await this.#broker?.resign();
    const serving = await Promise.allSettled([this.clients.close(graceMs), this.kafka.close(graceMs), this.#broker?.shutdown()]);
    const deciding = await Promise.allSettled([this.#controller?.close()]);
    const doors = await Promise.allSettled([this.#nodes.close(NODE_DOOR_GRACE_MS), this.#http?.close()]);
    const failed = [...serving, ...deciding, ...doors].find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** After a failure: whoever depends on this node must notice at once, so its doors shut and its sessions end first, and everything else, which a
   * broken disk may hold up, at the same time. */
  async abandon(cause: Error): Promise<void> {
    this.#broker?.fail(cause);
    const doors = Promise.allSettled([this.clients.close(0), this.kafka.close(0), this.#nodes.close(0), this.#http?.close()]);
    const parts = await Promise.allSettled([this.#broker?.shutdown(), this.#controller?.close(false)]);
    const failed = [...(await doors), ...parts].find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }

  async #start(inspector: NodeInspector): Promise<void> {
    const { loaded, fatal, directory } = this.#around;
    const { processRoles, httpListeners, nodeListeners } = loaded.config;
    // The doors first: a port in use is found before anything is begun, and `/readyz` can say that the node is starting.
    const http = await openHttp(httpListeners[0], { health: () => this.health(), samples: () => this.samples() });
    this.#http = http;
    if (http) this.#ends.push(() => http.close());
    // They load gRPC while the controller waits for the disk.
    const forNodes = this.#open(this.#nodes);
    const forClients = processRoles.includes("broker")
      ? Promise.all([this.#open(this.clients), this.#open(this.kafka)])
      : Promise.resolve();
    // Whoever waits for it, below, may come later than its failure.
    forClients.catch(() => {});
    // Whose port is picked by the system is known once the door is open, and the controller tells it.
    if (nodeListeners.some(({ port }) => port === 0)) await forNodes;
    let member: Promise<void> = Promise.resolve();
    if (processRoles.includes("controller")) {
      const controller = await startController(this.#around, this.#nodes);
      this.#controller = controller;
      this.#ends.push(() => controller.close());
      inspector.controller?.(controller);
      member = controller.founded.then((clusterId) => directory.join(clusterId));
      member.catch(() => {});
    }
    await Promise.all([forNodes, forClients]);
    if (processRoles.includes("broker")) {
      const doors = { clients: this.clients, kafka: this.kafka, nodes: this.#nodes, http };
      const broker = await startBroker(this.#around, doors, this.#controller);
      this.#broker = broker;
      this.#ends.push(() => broker.shutdown());
      inspector.broker?.(broker);
      member = Promise.all([member, broker.ready]).then(() => this.#joined(broker));
    }
    await this.#told(fatal.during(member));
    this.#ends = [];
  }

  async #joined({ clusterId }: Broker): Promise<void> {
    const { loaded, directory } = this.#around;
    if (clusterId === null) throw new Error(`Node ${loaded.config.nodeId} registered, yet the metadata name no cluster`);
    await directory.join(clusterId);
  }

  #open(door: ClientDoors | KafkaDoors | NodeDoor): Promise<void> {
    const opening = door.open();
    opening.catch(() => {});
    this.#ends.push(async () => {
      // A door that is just being opened would stay open.
      await opening.catch(() => {});
      await door.close(0);
    });
    return opening;
  }

  /** A node may have to wait for others for ever: whoever started it must be able to see why. */
  async #told(serving: Promise<void>): Promise<void> {
    const { host, loaded, logger } = this.#around;
    const tellLater = (): Timer =>
      host.clock.after(WAITING_TOLD_MS, () => {
        const { reasons } = this.health();
        logger.warn({ reasons }, `Node ${loaded.config.nodeId} does not serve yet: ${reasons.join("; ")}`);
        timer = tellLater();
      });
    let timer = tellLater();
    try {
      await serving;
    } finally {
      timer.cancel();
    }
  }
}

async function openHttp(
  at: Parameters<typeof HttpDoor.open>[0] | undefined,
  node: Parameters<typeof HttpDoor.open>[1],
): Promise<HttpDoor | null> {
  if (!at) return null;
  try {
    return await HttpDoor.open(at, node);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}; set http.listeners to another address`, { cause: error });
  }
}
