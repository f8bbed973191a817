export { LogDirectory, type LogDirectoryOptions } from "./directory/log-directory.ts";
export { LogDamagedError, LogFailedError } from "./errors.ts";
export { Log, type DamagedOffsets, type ReadOptions, type ReadResult, type Recovery } from "./log/log.ts";
export type { LogSettings } from "./settings.ts";
