import { Broker } from "@ottla/broker";
import { Controller, UNKNOWN_NODE } from "@ottla/controller";
import { type Attributes, createSessionPair, type Host, type Logger, type Session } from "@ottla/host";
import { type LoadedConfig, services } from "@ottla/protocol";
import { dialNode } from "./cluster/dial.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { ClientDoors } from "./doors/client-doors.ts";
import type { KafkaDoors } from "./doors/kafka-doors.ts";
import type { NodeDoor } from "./doors/node-door.ts";
import type { FatalSignal } from "./fatal.ts";
import type { HttpDoor } from "./http/http-door.ts";
import { version } from "./version.ts";

export interface Surroundings {
  readonly host: Host;
  readonly loaded: LoadedConfig;
  readonly logger: Logger;
  readonly fatal: FatalSignal;
  readonly directory: DataDirectory;
}

/** Serves the controller on the node door, and binds the data directory to the cluster as soon as that exists. */
export async function startController(around: Surroundings, door: NodeDoor): Promise<Controller> {
  const { host, loaded, logger, fatal, directory } = around;
  const { config } = loaded;
  const { network, clock } = host;
  const controller = await Controller.start({
    host,
    config,
    nodeId: config.nodeId,
    directory: directory.controllerPath,
    clusterId: directory.clusterId,
    version,
    logger: logger.child({ part: "controller" }),
    onFatal: fatal.raise,
    nodeAddress: () => door.address,
    dial: ({ nodeId, address }, service, attributes, signal) =>
      dialNode({ network, clock }, address, nodeId === UNKNOWN_NODE ? null : nodeId, service, attributes, signal),
  });
  const accept = (session: Session): Attributes => controller.accept(session);
  door.serve([services.session, services.metadata, services.raft].map((name) => ({ name, accept })));
  return controller;
}

/** Serves the broker on the doors for clients and for nodes. */
export async function startBroker(
  around: Surroundings,
  doors: { readonly clients: ClientDoors; readonly kafka: KafkaDoors; readonly nodes: NodeDoor; readonly http: HttpDoor | null },
  controller: Controller | null,
): Promise<Broker> {
  const { host, loaded, logger, fatal, directory } = around;
  const { config } = loaded;
  const { network, clock } = host;
  const { clients, kafka, nodes, http } = doors;
  const broker = await Broker.start({
    host,
    config,
    loaded,
    nodeId: config.nodeId,
    directory: directory.logPath,
    clusterId: directory.clusterId,
    version,
    logger: logger.child({ part: "broker" }),
    onFatal: fatal.raise,
    kafka: kafka.entrance,
    endpoints: () => [...clients.endpoints(), ...kafka.endpoints(), nodes.endpoint(), ...(http ? [http.endpoint(network.hostName)] : [])],
    ownController: controller && (async (service, attributes) => reachOwnController(controller, config.nodeId, service, attributes)),
    dialNode: (address, nodeId, service, attributes, signal) => dialNode({ network, clock }, address, nodeId, service, attributes, signal),
  });
  clients.serve(broker.services);
  nodes.serve(broker.nodeServices);
  return broker;
}

/** The broker speaks to a controller in its own process as to any other: the same frames, without the socket. */
function reachOwnController(controller: Controller, nodeId: number, service: string, attributes: Attributes): Session {
  const self = `node ${nodeId}`;
  const [dialling, accepting] = createSessionPair(service, attributes, {}, { dialling: self, accepting: self });
  controller.accept(accepting);
  return dialling;
}
