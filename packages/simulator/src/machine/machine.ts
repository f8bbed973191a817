import type { Broker } from "@ottla/broker";
import type { Controller } from "@ottla/controller";
import { type Host, type Keep, memoryHost, type MemoryHost } from "@ottla/host";
import { Node, type Settings } from "@ottla/node";
import type { pb } from "@ottla/protocol";
import type { LogWitness } from "../disk/replica-logs.ts";
import { ReplicaLogs } from "../disk/replica-logs.ts";
import type { Trace } from "../trace.ts";
import { MachineClock } from "./machine-clock.ts";
import { MachineDisk } from "./machine-disk.ts";
import { MachineNetwork } from "./machine-network.ts";

export const DATA = "/ottla";

export interface MachineOptions {
  readonly nodeId: number;
  readonly seed: number;
  readonly beside: MemoryHost;
  readonly trace: Trace;
  readonly settings: Settings;
  readonly witness: LogWitness;
  onReplayed(index: number, term: number, records: readonly pb.MetadataRecord[]): void;
  /** A life has ended by itself, or did not begin. */
  onEnded(error: Error): void;
}

/** What a machine runs at the moment. */
interface Life {
  readonly host: MemoryHost;
  readonly clock: MachineClock;
  readonly disk: MachineDisk;
  readonly aborted: AbortController;
  /** Resolves when it has ended, however. */
  readonly over: Promise<void>;
  readonly end: () => void;
  controller: Controller | null;
  broker: Broker | null;
  node: Node | null;
}

/** One machine of the cluster and the node on it, through all its lives. */
export class Machine {
  readonly nodeId: number;
  readonly hostName: string;
  readonly logs: ReplicaLogs;
  /** Bits of its files have flipped: some damage may still lie where nobody has read since. */
  damaged = false;
  /** An old copy of its disk was put back: it may hold logs of topics whose deletion it had confirmed, which nobody tells it again. */
  old = false;
  /** Nobody puts right what is wrong with it: it is never started, let go on or reached again. */
  gone = false;
  wallOffsetMs = 0;
  /** Of its disk, while nothing is wrong with it. */
  normalLatencyMs: (operation: string) => number = () => 0;
  /** While something is. */
  slowLatencyMs: ((operation: string) => number) | null = null;
  frozen = false;
  lives = 0;
  /** Something has gone on in it since it was last looked at. */
  touched = true;
  readonly #options: MachineOptions;
  #host: MemoryHost;
  #life: Life | null = null;
  /** How the last life ended: then what is found is on the platter. */
  #powerLost = true;
  #failedStarts = 0;

  constructor(options: MachineOptions) {
    this.nodeId = options.nodeId;
    this.hostName = `node${options.nodeId}`;
    this.#options = options;
    this.#host = memoryHost({ seed: options.seed, beside: options.beside, hostName: this.hostName });
    this.logs = new ReplicaLogs(options.witness);
  }

  /** Of the present life, or of the last one. */
  get host(): MemoryHost {
    return this.#host;
  }

  get up(): boolean {
    return this.#life !== null;
  }

  /** Since it last served. */
  get failedStarts(): number {
    return this.#failedStarts;
  }

  /** Its node serves. */
  get serving(): boolean {
    return this.#life !== null && this.#life.node !== null && !this.frozen;
  }

  get node(): Node | null {
    return this.#life?.node ?? null;
  }

  get controller(): Controller | null {
    return this.#life?.controller ?? null;
  }

  get broker(): Broker | null {
    return this.#life?.broker ?? null;
  }

  /** Starts the node on what the disk holds; `prepare` may first do something to it. */
  async start(prepare: (host: MemoryHost) => Promise<void> = async () => {}): Promise<void> {
    if (this.#life !== null || this.gone) return;
    if (this.#host.crashed) this.#host = this.#host.restart();
    const host = this.#host;
    const life = this.#begin(host);
    // Bits that flip now are found by the node, or not yet: what it holds is what was written.
    if (this.#powerLost) await this.logs.read(host.disk, `${DATA}/log`);
    else this.logs.killed();
    await prepare(host);
    if (!(await host.disk.exists(DATA))) {
      this.logs.clear();
      this.damaged = false;
      this.old = false;
    }
    if (this.#life !== life) return;
    this.lives += 1;
    this.#options.trace.note(`node ${this.nodeId} starts life ${this.lives}`);
    host.disk.latencyMs = (operation) => (this.slowLatencyMs ?? this.normalLatencyMs)(operation);
    void this.#run(life);
  }

  /** The process is killed: what it wrote stays. */
  kill(): void {
    const life = this.#end("is killed");
    if (life === null) return;
    life.host.kill();
    this.#powerLost = false;
  }

  losePower(keep: Keep): void {
    const life = this.#end(`loses power, its disk keeps ${keep}`);
    if (life === null) return;
    life.host.crash({ keep });
    this.#powerLost = true;
  }

  /** Stops the node in order. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    this.#options.trace.note(`node ${this.nodeId} is asked to stop`);
    if (life.node === null) return this.kill();
    // Something else may end this life meanwhile; then nothing of it goes on.
    await Promise.race([life.node.close(), life.over]);
    this.#ended(life);
  }

  freeze(): void {
    if (this.#life === null || this.frozen) return;
    this.frozen = true;
    this.#life.clock.freeze();
  }

  thaw(): void {
    if (!this.frozen || this.gone) return;
    this.frozen = false;
    this.#life?.clock.thaw();
  }

  set full(full: boolean) {
    if (this.#life !== null) this.#life.disk.full = full;
  }

  #begin(host: MemoryHost): Life {
    const { trace } = this.#options;
    const clock = new MachineClock(
      host.clock,
      () => this.wallOffsetMs,
      () => this.#touch(),
    );
    let end = (): void => {};
    const over = new Promise<void>((resolve) => (end = resolve));
    const life: Life = {
      host,
      over,
      end,
      clock,
      disk: new MachineDisk(host.disk, clock, this.logs),
      aborted: new AbortController(),
      controller: null,
      broker: null,
      node: null,
    };
    this.#life = life;
    this.#touch();
    this.frozen = false;
    trace.note(`node ${this.nodeId} begins`);
    return life;
  }

  async #run(life: Life): Promise<void> {
    const { settings, trace, onEnded } = this.#options;
    const { host, clock, disk } = life;
    const network = new MachineNetwork(
      host.network,
      (from, to, service, _bytes, frame) => trace.frame(from, to, service, frame),
      () => this.#touch(),
    );
    const around: Host = { clock, random: host.random, disk, stores: host.stores, network, codecs: host.codecs };
    try {
      const node = await Node.start({
        config: settings,
        host: around,
        logger: trace.logger(this.hostName),
        signal: life.aborted.signal,
        inspector: {
          controller: (controller) => {
            life.controller = controller;
            controller.onCommitted = (index, term, records) => {
              if (this.#life === life) this.#options.onReplayed(index, term, records);
            };
          },
          broker: (broker) => {
            life.broker = broker;
          },
        },
      });
      life.node = node;
      this.#failedStarts = 0;
      if (this.#life !== life) return;
      trace.note(`node ${this.nodeId} serves`);
      const error = await node.closed;
      if (this.#life !== life) return;
      this.#ended(life);
      if (error !== null) onEnded(error);
    } catch (error) {
      if (this.#life !== life) return;
      this.#ended(life);
      this.#failedStarts += 1;
      onEnded(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #touch(): void {
    this.touched = true;
  }

  /** The process has gone by itself: the kernel closes what it had open. */
  #ended(life: Life): void {
    if (this.#life !== life) return;
    this.#end("has ended");
    life.host.kill();
    this.#powerLost = false;
  }

  #end(how: string): Life | null {
    const life = this.#life;
    if (life === null) return null;
    this.#options.trace.note(`node ${this.nodeId} ${how}`);
    this.#life = null;
    this.#touch();
    this.frozen = false;
    life.end();
    return life;
  }
}
