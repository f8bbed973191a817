export { LogDirectory } from "./directory/log-directory.ts";
export type { LogDirectoryOptions } from "./directory/options.ts";
export { LogDamagedError, LogFailedError } from "./errors.ts";
export { NewerFormatError } from "./format/file-header.ts";
export type { Recovery } from "./log/core.ts";
export { Log, type DamagedOffsets } from "./log/log.ts";
export type { ReadOptions, ReadResult } from "./log/reader.ts";
export type { FoundBatch } from "./log/times.ts";
export type { LogSettings } from "./settings.ts";
