import { type Host, memoryHost, type MemoryHost, SeededRandom } from "@ottla/host";
import type { pb } from "@ottla/protocol";
import type { LogWitness } from "../disk/replica-logs.ts";
import { Machine } from "../machine/machine.ts";
import { MachineNetwork } from "../machine/machine-network.ts";
import type { Trace } from "../trace.ts";
import { Links, type Place } from "./links.ts";
import { GRPC_PORT, nodeSettings } from "./settings.ts";

/** How long a frame takes at least between two machines; up to twice as long. */
const NETWORK_MS = 0.2;
/** Syncs take from half to about two of these. */
const SYNC_MS = 1;

export interface ClusterOptions {
  readonly driver: MemoryHost;
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  readonly trace: Trace;
  readonly flushPolicy: string;
  witness(nodeId: number): LogWitness;
  /** A controller has replayed an entry of the controllers' log. */
  onReplayed(nodeId: number, index: number, term: number, records: readonly pb.MetadataRecord[]): void;
  onEnded(nodeId: number, error: Error): void;
}

/** The machines of a cluster and of its clients, in one virtual time. */
export class Cluster {
  readonly machines: readonly Machine[];
  /** Joins when it is started. */
  readonly guest: Machine;
  readonly clients: readonly Host[];
  readonly clientNames: readonly string[];
  readonly links: Links;
  readonly bootstrap: readonly string[];

  constructor(options: ClusterOptions) {
    const { driver, seed, nodes, clients, trace } = options;
    const random = new SeededRandom(seed);
    const ids = Array.from({ length: nodes }, (_, at) => at + 1);
    const make = (nodeId: number): Machine => {
      const machine = new Machine({
        nodeId,
        seed: random.below(2 ** 32),
        beside: driver,
        trace,
        settings: nodeSettings(nodeId, ids, options.flushPolicy),
        witness: options.witness(nodeId),
        onReplayed: (index, term, records) => options.onReplayed(nodeId, index, term, records),
        onEnded: (error) => options.onEnded(nodeId, error),
      });
      const latency = random.fork();
      machine.normalLatencyMs = (operation) => normalLatency(operation, latency);
      return machine;
    };
    this.machines = ids.map(make);
    this.guest = make(nodes + 1);
    const programs = Array.from({ length: clients }, (_, at) =>
      memoryHost({ seed: random.below(2 ** 32), beside: driver, hostName: `client${at + 1}` }),
    );
    this.clients = programs.map((host) => ({
      ...host,
      network: new MachineNetwork(host.network, (from, to, service, _bytes, frame) => trace.frame(from, to, service, frame)),
    }));
    this.clientNames = programs.map(({ network }) => network.hostName);
    const places: Place[] = [...this.everyone, ...programs.map((host) => ({ hostName: host.network.hostName, host, frozen: false }))];
    this.links = new Links(places, random.fork(), NETWORK_MS);
    this.bootstrap = ids.map((nodeId) => `node${nodeId}:${GRPC_PORT}`);
    this.links.apply();
  }

  /** With the guest. */
  get everyone(): readonly Machine[] {
    return [...this.machines, this.guest];
  }

  /** Who belongs to it from the beginning on. */
  get members(): readonly number[] {
    return this.machines.map(({ nodeId }) => nodeId);
  }

  /** Who can still be expected to serve. */
  get remaining(): readonly Machine[] {
    return this.machines.filter(({ gone }) => !gone);
  }

  machine(nodeId: number): Machine {
    const machine = this.everyone.find((one) => one.nodeId === nodeId);
    if (machine === undefined) throw new Error(`There is no node ${nodeId} in this cluster`);
    return machine;
  }

  /** Ends what is wrong with links, disks and clocks, but for nodes that are gone. Nodes that are down stay down. */
  heal(): void {
    for (const machine of this.everyone) {
      machine.thaw();
      machine.full = false;
      machine.slowLatencyMs = null;
      machine.host.disk.fault = null;
      machine.wallOffsetMs = 0;
    }
    this.links.healAll();
  }

  async start(nodeId: number, prepare?: (host: MemoryHost) => Promise<void>): Promise<void> {
    const starting = this.machine(nodeId).start(prepare);
    this.links.apply();
    await starting;
  }
}

export function normalLatency(operation: string, random: SeededRandom, factor = 1): number {
  if (operation.startsWith("sync") || operation === "store batch") return factor * SYNC_MS * (0.5 + random.below(1000) / 800);
  // The page cache mostly takes it at once; now and then something comes in between.
  return operation === "write" && (factor > 1 || random.below(4) === 0) ? factor * 0.05 : 0;
}
