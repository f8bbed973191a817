import type { Host } from "../host.ts";
import { nodeClock } from "./clock.ts";
import { nodeCodecs } from "./codecs/node-codecs.ts";
import { NodeDisk } from "./disk/node-disk.ts";
import { GrpcNetwork } from "./network/grpc-network.ts";
import { nodeRandom } from "./random.ts";
import { levelStores } from "./store.ts";

/** The machine this process runs on. Close its network when it is no longer needed; the rest holds nothing. */
export function nodeHost(): Host {
  const disk = new NodeDisk();
  return { clock: nodeClock, random: nodeRandom(), disk, stores: levelStores(disk), network: new GrpcNetwork(), codecs: nodeCodecs() };
}
