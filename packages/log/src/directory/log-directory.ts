import type { Clock, Disk, Logger, Random } from "@ottla/host";
import type { Uuid } from "@ottla/protocol";
import type { Log } from "../log/log.ts";
import type { LogSettings } from "../settings.ts";

export interface LogDirectoryOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Makes the directory id at the first open. */
  readonly random: Random;
  readonly directory: string;
  /** Bound of the recent batches that all logs of the directory keep in memory together. */
  readonly cacheBytes: number;
  readonly maxOpenFiles: number;
  /** -1 for the smaller of 256 MiB and 2 % of the file system, but at least 8 MiB. */
  readonly minFreeBytes: number;
  readonly logger: Logger;
  /** A sync failed: what was acknowledged is safe, but this process must end and recover. */
  onFatal(error: Error): void;
  /** Lets an append that met a full disk free the reserved file and go on: for the log that deletions depend on. */
  readonly appendsMayUseReserve?: boolean;
}

export class LogDirectory implements AsyncDisposable {
  static open(_options: LogDirectoryOptions): Promise<LogDirectory> { throw new Error("being written"); }
  get path(): string { throw new Error("being written"); }
  get directoryId(): Uuid { throw new Error("being written"); }
  get cleanShutdown(): { brokerEpoch: number } | null { throw new Error("being written"); }
  names(): string[] { throw new Error("being written"); }
  openLog(_name: string, _settings: LogSettings, _onProgress: (log: Log) => void): Promise<Log> { throw new Error("being written"); }
  removeLog(_name: string): Promise<void> { throw new Error("being written"); }
  get freeSpace(): { freeBytes: number; limitBytes: number; low: boolean } { throw new Error("being written"); }
  close(_marker?: { brokerEpoch: number }): Promise<void> { throw new Error("being written"); }
  async [Symbol.asyncDispose](): Promise<void> { await this.close(); }
}
