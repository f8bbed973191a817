import type { Clock } from "./clock.ts";
import type { Codecs } from "./codecs.ts";
import type { Disk } from "./disk.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";
import type { StoreFactory } from "./store.ts";

/** Everything that may differ between two runs of the same code. */
export interface Host {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly stores: StoreFactory;
  readonly network: Network;
  readonly codecs: Codecs;
}
