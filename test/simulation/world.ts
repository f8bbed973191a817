import { Ottla } from "@ottla/client";
import { type Disk, type Host, memoryHost, type MemoryHost, silentLogger } from "@ottla/host";
import { Node, type Settings } from "@ottla/node";

const door = { host: "node", port: 9093 };
const address = `${door.host}:${door.port}`;

/** Small enough that a short load rolls segments, takes checkpoints, and meets retention. */
const settings: Settings = {
  "data.dir": "/ottla",
  "grpc.listeners": address,
  "http.listeners": "",
  "log.segment.bytes": 1024,
  "log.index.interval.bytes": 256,
  "log.retention.check.interval.ms": 40,
  "controller.log.checkpoint.records": 12,
  "auto.create.topics.enable": false,
  "shutdown.timeout.ms": 1_000,
};

/** Too small for the files that a log directory keeps in reserve for a full disk: 8 MiB to write in every life. */
const capacityBytes = 14 << 20;

/** Virtual time that a start, a call or a whole load may take; more means that something hangs. */
const patienceMs = 120_000;

/** A node's machine and its client's, in a time and network of their own. */
export class World {
  static readonly door = door;
  readonly machine: MemoryHost;
  readonly client: MemoryHost;

  constructor(machine: MemoryHost) {
    this.machine = machine;
    this.client = memoryHost({ seed: 7, beside: machine, hostName: "client" });
  }

  static found(seed: number): World {
    return new World(memoryHost({ seed, hostName: "node", capacityBytes }));
  }

  /** Starts a node here; `disk` instead of the machine's own. */
  startNode(disk: Disk = this.machine.disk): Promise<Node> {
    const { clock, random, stores, network, codecs } = this.machine;
    const host: Host = { clock, random, disk, stores, network, codecs };
    return Node.start({ config: settings, host, logger: silentLogger });
  }

  connect(): Ottla {
    return new Ottla({ bootstrap: address, host: this.client, requestTimeoutMs: 5_000 });
  }

  /** Lets time pass until `work` settles. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.client.clock.run(work, patienceMs);
  }
}
