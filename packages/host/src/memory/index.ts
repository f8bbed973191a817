export { type Keep } from "./disk/file-node.ts";
export { MemoryDisk, type DiskFault } from "./disk/memory-disk.ts";
export { type DiskOperation } from "./disk/operation-log.ts";
export { ManualClock } from "./manual-clock.ts";
export { memoryHost, type MachineImage, type MemoryHost, type MemoryHostOptions } from "./memory-host.ts";
export { MemoryNetwork } from "./memory-network.ts";
export { type Trouble } from "./memory-wire.ts";
export { MemoryStores } from "./memory-stores.ts";
export { SeededRandom } from "./seeded-random.ts";
