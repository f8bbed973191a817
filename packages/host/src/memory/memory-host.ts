import type { Host } from "../host.ts";
import type { ManualClock } from "./manual-clock.ts";
import type { Keep, MemoryDisk } from "./memory-disk.ts";
import type { MemoryNetwork } from "./memory-network.ts";
import type { MemoryStores } from "./memory-stores.ts";

export interface MemoryHostOptions {
  /** Of every random choice: the host's `random`, torn sectors, uncertain outcomes. */
  readonly seed?: number;
  /** Shares virtual time and the network with this host: another machine of the same cluster. */
  readonly beside?: MemoryHost;
  /** How this machine is called by others: the host part of addresses, `localhost` unless told. */
  readonly hostName?: string;
  readonly capacityBytes?: number;
}

/** One life of a simulated machine. */
export interface MemoryHost extends Host {
  readonly clock: ManualClock;
  readonly disk: MemoryDisk;
  readonly stores: MemoryStores;
  readonly network: MemoryNetwork;
  readonly crashed: boolean;
  /** Power goes: timers never fire, sessions reset, files and disk are dead for whoever still holds them. */
  crash(options?: { keep?: Keep }): void;
  /** The machine's next life, on what survived. Crashes the present one if that has not happened. */
  restart(): MemoryHost;
}

export function memoryHost(options: MemoryHostOptions = {}): MemoryHost {
  throw new Error(`not ready ${options.seed}`);
}
