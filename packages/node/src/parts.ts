import { Broker } from "@ottla/broker";
import { Controller } from "@ottla/controller";
import { createSessionPair, type Attributes, type Host, type Logger, type Metric, type Session } from "@ottla/host";
import { type LoadedConfig, services } from "@ottla/protocol";
import type { DataDirectory } from "./data-directory.ts";
import { ClientDoors, LateServices } from "./doors.ts";
import type { FatalSignal } from "./fatal.ts";
import { type Health, HttpDoor } from "./http/http-door.ts";
import { version } from "./version.ts";

interface Surroundings {
  readonly host: Host;
  readonly loaded: LoadedConfig;
  readonly logger: Logger;
  readonly fatal: FatalSignal;
}

/** What a node is made of, in the order in which it starts and the reverse of which it ends. */
export class Parts {
  readonly directory: DataDirectory;
  readonly controller: Controller;
  readonly broker: Broker;
  readonly doors: ClientDoors;
  readonly http: HttpDoor | null;
  readonly clusterId: string;

  private constructor(parts: Pick<Parts, "directory" | "controller" | "broker" | "doors" | "http" | "clusterId">) {
    this.directory = parts.directory;
    this.controller = parts.controller;
    this.broker = parts.broker;
    this.doors = parts.doors;
    this.http = parts.http;
    this.clusterId = parts.clusterId;
  }

  /** Starts everything; on a failure ends what had started, then throws. */
  static async start(directory: DataDirectory, around: Surroundings): Promise<Parts> {
    const { host, loaded, logger, fatal } = around;
    const { config } = loaded;
    const ends: (() => Promise<void>)[] = [];
    let serving: { broker: Broker; controller: Controller } | undefined;
    try {
      // The doors first: a port in use is found before anything is begun, and `/readyz` can say that the node is starting.
      const http = await openHttp(config.httpListeners[0], {
        health: () => serving?.broker.health ?? starting,
        samples: () => (serving ? [...serving.broker.samples(), ...serving.controller.samples()] : []),
      });
      if (http) ends.push(() => http.close());
      const clients = new LateServices([services.produce, services.fetch, services.call]);
      const doors = new ClientDoors(config);
      // They load gRPC while the controller waits for the disk.
      const opening = doors.open(host.network, clients.services);
      ends.push(async () => {
        // A door that is just being opened would stay open.
        await opening.catch(() => {});
        await doors.close(0);
      });
      const controller = await Controller.start({
        host,
        config,
        nodeId: config.nodeId,
        directory: directory.controllerPath,
        version,
        logger: logger.child({ part: "controller" }),
        onFatal: fatal.raise,
        nodeAddress: () => ({ host: "localhost", port: 9095 }),
        dial: ({ nodeId }) => Promise.reject(new Error(`No way to node ${nodeId}: this cluster has one voter`)),
      });
      ends.push(() => controller.close());
      await opening;
      const broker = await Broker.start({
        host,
        config,
        loaded,
        nodeId: config.nodeId,
        directory: directory.logPath,
        version,
        logger: logger.child({ part: "broker" }),
        onFatal: fatal.raise,
        endpoints: () => [doors.endpoint()],
        dialController: async (service, attributes) => reachOwnController(controller, config.nodeId, service, attributes),
      });
      ends.push(() => broker.shutdown());
      serving = { broker, controller };
      clients.serve(broker.services);
      await fatal.during(broker.ready);
      const clusterId = controller.status.clusterId;
      if (clusterId === null) throw new Error(`Node ${config.nodeId} registered, yet its controller names no cluster`);
      await directory.join(clusterId);
      return new Parts({ directory, controller, broker, doors, http, clusterId });
    } catch (error) {
      for (const end of ends.reverse())
        await end().catch((cause: unknown) => logger.error({ err: cause }, "A part of the node did not end in order"));
      throw error;
    }
  }

  health(): Health {
    return this.broker.health;
  }

  samples(): Metric[] {
    return [...this.broker.samples(), ...this.controller.samples()];
  }

  /** Doors first, so that nothing is taken that cannot be answered; the controller last, because the broker says goodbye to it. */
  async close(graceMs: number): Promise<void> {
    const serving = await Promise.allSettled([this.doors.close(graceMs), this.broker.shutdown()]);
    const rest = await Promise.allSettled([this.http?.close(), this.controller.close()]);
    const failed = [...serving, ...rest].find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }
}

const starting: Health = { live: true, ready: false, reasons: ["This node is starting"] };

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

/** The broker speaks to a controller in its own process as to any other: the same frames, without the socket. */
function reachOwnController(controller: Controller, nodeId: number, service: string, attributes: Attributes): Session {
  const self = `node ${nodeId}`;
  const [dialling, accepting] = createSessionPair(service, attributes, {}, { dialling: self, accepting: self });
  controller.accept(accepting);
  return dialling;
}
