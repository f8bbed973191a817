export { ManualClock } from "./manual-clock.ts";
export { MemoryDisk, type DiskFault, type DiskOperation, type Keep } from "./memory-disk.ts";
export { memoryHost, type MemoryHost, type MemoryHostOptions } from "./memory-host.ts";
export { MemoryNetwork } from "./memory-network.ts";
export { MemoryStores } from "./memory-stores.ts";
