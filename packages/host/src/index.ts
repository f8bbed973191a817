export type { Clock, Timer } from "./clock.ts";
export { CodecUnavailableError, type CodecName, type Codecs } from "./codecs.ts";
export { deadline, delay, type Deadline } from "./deadline.ts";
export { DiskError, type DirectoryLock, type Disk, type DiskFile, type OpenMode } from "./disk.ts";
export type { Host } from "./host.ts";
export { silentLogger, type Logger } from "./logger.ts";
export {
  LARGE_FRAME_BYTES,
  NetworkError,
  type Address,
  type Attributes,
  type DialOptions,
  type Frame,
  type FramedConnection,
  type FramedListenOptions,
  type FrameRoom,
  type Listener,
  type ListenOptions,
  type Network,
  type Reason,
  type Service,
  type Session,
} from "./network.ts";
export type { Labels, Metric } from "./metrics.ts";
export type { Random } from "./random.ts";
export type { Store, StoreFactory, StoreOperation } from "./store.ts";
export {
  ManualClock,
  MemoryDisk,
  memoryHost,
  MemoryNetwork,
  MemoryStores,
  SeededRandom,
  type DiskFault,
  type DiskOperation,
  type Keep,
  type MachineImage,
  type MemoryHost,
  type MemoryHostOptions,
  type Trouble,
} from "./memory/index.ts";
export { nodeHost } from "./node/node-host.ts";
export { createSessionPair } from "./session-pair.ts";
export { isMissing, readWhole, removeIfThere, replaceFile, writeWhole } from "./whole-file.ts";
