import { addresses, voters } from "../addresses.ts";
import { int, list, long, string } from "../kinds.ts";
import { BadValue } from "../setting.ts";

function roles(items: readonly string[]): void {
  const unknown = items.find((item) => item !== "controller" && item !== "broker");
  if (unknown !== undefined) throw new BadValue(`has the role "${unknown}"; the roles are controller and broker`);
  if (items.length === 0) throw new BadValue("must be controller, broker, or both with a comma between them");
  if (new Set(items).size < items.length) throw new BadValue(`names the role ${items[0]} twice`);
}

/** What a node is in its cluster, and how long nodes wait for each other. */
export const clusterSettings = {
  processRoles: list({
    default: [],
    defaultText: "controller,broker; broker for a node that is not among controller.quorum.voters",
    allowed: "controller, broker, or both with a comma between them",
    check: roles,
    doc: "What this node does for its cluster: decide with the other controllers, keep partitions as a broker, or both.",
  }),
  nodeId: int({
    default: 1,
    doc: "The number of this node in its cluster. Written into the data directory at the first start; a directory of another node is refused.",
  }),
  controllerQuorumVoters: voters({
    default: [],
    defaultText: "this node alone; nobody with controller.quorum.bootstrap.servers",
    doc: "The nodes that found the cluster and vote in its controller quorum: node id, host and port of the node door of each, the same list on every node. Afterwards only addresses to try: who votes is then changed with ottla controller.",
  }),
  controllerQuorumBootstrapServers: addresses({
    default: [],
    names: ["NODE", "PLAINTEXT"],
    use: "advertise",
    allowEmpty: true,
    doc: "Node doors of a cluster that is there already, for a node that joins it: some of its controllers are enough.",
  }),
  dataDir: string({
    default: "./ottla-data",
    allowEmpty: false,
    doc: "The directory that holds everything this node keeps. Relative to the working directory.",
  }),

  controllerHeartbeatIntervalMs: long({
    default: 200,
    min: 10,
    max: 60_000,
    doc: "Time between two heartbeats of the controller leader to the other voters, in milliseconds.",
  }),
  controllerElectionTimeoutMs: long({
    default: 1000,
    min: 50,
    max: 600_000,
    doc: "A voter that hears no leader for this long, up to twice as long, stands for election, in milliseconds. At least twice controller.heartbeat.interval.ms.",
  }),
  controllerLogCheckpointRecords: int({
    default: 10_000,
    min: 1,
    doc: "The controller writes a checkpoint of its state every so many records.",
  }),
  brokerHeartbeatIntervalMs: long({
    default: 500,
    min: 10,
    max: 60_000,
    doc: "Time between two heartbeats of a broker to the controller leader, in milliseconds.",
  }),
  brokerSessionTimeoutMs: long({
    default: 2500,
    min: 50,
    max: 600_000,
    doc: "A broker silent for so many milliseconds is fenced. At least twice broker.heartbeat.interval.ms.",
  }),
} as const;
