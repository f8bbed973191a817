import type { Host } from "../host.ts";
import type { Keep } from "./disk/file-node.ts";
import { MemoryDisk } from "./disk/memory-disk.ts";
import type { Platter } from "./disk/platter.ts";
import { ManualClock, Timeline } from "./manual-clock.ts";
import { memoryCodecs } from "./memory-codecs.ts";
import { MemoryNetwork } from "./memory-network.ts";
import { MemoryStores } from "./memory-stores.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface MemoryHostOptions {
  /** Of every random choice: the host's `random`, torn sectors, uncertain outcomes. */
  readonly seed?: number;
  /** Shares virtual time and the network with this host: another machine of the same cluster. */
  readonly beside?: MemoryHost;
  /** How other machines call this one: the host part of its addresses, `localhost` unless told. Machines of one name share their ports. */
  readonly hostName?: string;
  readonly capacityBytes?: number;
}

/** One life of a simulated machine. */
export interface MemoryHost extends Host {
  readonly clock: ManualClock;
  readonly random: SeededRandom;
  readonly disk: MemoryDisk;
  readonly stores: MemoryStores;
  readonly network: MemoryNetwork;
  readonly crashed: boolean;
  /** Power goes, or a disk fault cuts it: for whoever still holds this life's parts, timers never fire, sessions are reset, and disk,
   * files and stores fail without changing anything. The clock can still be advanced. `keep` is "none" unless told. */
  crash(options?: { keep?: Keep }): void;
  /** SIGKILL: like a crash, but everything written stays in the page cache, for the next life to see and a later power cut to take, and peers
   * hear of it at once. */
  kill(): void;
  /** The machine's next life, on what its disk kept. Crashes the present one first if that has not happened. */
  restart(): MemoryHost;
  /** What the disk holds at this moment, for trying more than one end of it. This life goes on. */
  image(): MachineImage;
}

/** The disk of a machine at one moment, what was not durable included. */
export interface MachineImage {
  /** The machine after a power failure at that moment, in a time and a network of its own; as often as asked. */
  boot(options: { keep: Keep; seed: number }): MemoryHost;
  /** The machine after its process was killed at that moment: programs still see what was not durable, and it still is not. */
  killed(options: { seed: number }): MemoryHost;
}

export function memoryHost(options: MemoryHostOptions = {}): MemoryHost {
  const random = new SeededRandom(options.seed ?? 1);
  const clock = new ManualClock(options.beside?.clock.timeline);
  const disk = new MemoryDisk({
    clock,
    random: random.fork(),
    ...(options.capacityBytes === undefined ? {} : { capacityBytes: options.capacityBytes }),
  });
  return life(clock, random, disk, new MemoryNetwork(clock, options.hostName, options.beside?.network.cables));
}

function life(clock: ManualClock, random: SeededRandom, disk: MemoryDisk, network: MemoryNetwork): MemoryHost {
  const crash = (keep: Keep): void => {
    if (disk.dead) return;
    disk.crash({ keep });
    clock.stop();
    network.crash();
  };
  disk.onPowerCut = crash;
  return {
    clock,
    random,
    disk,
    stores: new MemoryStores(disk),
    network,
    codecs: memoryCodecs,
    get crashed() {
      return disk.dead;
    },
    crash: (options) => crash(options?.keep ?? "none"),
    kill() {
      if (disk.dead) return;
      disk.kill();
      clock.stop();
      network.kill();
    },
    restart() {
      crash("none");
      const next = new ManualClock(clock.timeline);
      return life(next, random.fork(), disk.revive(next), new MemoryNetwork(next, network.hostName, network.cables));
    },
    image: () => imageOf(clock, disk, network.hostName),
  };
}

function imageOf(clock: ManualClock, disk: MemoryDisk, hostName: string): MachineImage {
  const { syncIsALie } = disk;
  const { nowMs, wallOffsetMs } = clock.timeline;
  const photograph = disk.platter.copy(new SeededRandom(1));
  const next = (seed: number, end: (platter: Platter) => void): MemoryHost => {
    const random = new SeededRandom(seed);
    const platter = photograph.copy(random.fork());
    end(platter);
    const timeline = new Timeline();
    timeline.nowMs = nowMs;
    timeline.wallOffsetMs = wallOffsetMs;
    const own = new ManualClock(timeline);
    const revived = new MemoryDisk({ clock: own }, platter);
    revived.syncIsALie = syncIsALie;
    return life(own, random, revived, new MemoryNetwork(own, hostName));
  };
  return {
    boot: ({ keep, seed }) => next(seed, (platter) => platter.crash(keep)),
    killed: ({ seed }) => next(seed, (platter) => platter.killed()),
  };
}
