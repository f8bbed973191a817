import type { Clock, Disk, Logger, Random } from "@ottla/host";

export interface LogDirectoryOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Makes the directory id at the first open. */
  readonly random: Random;
  /** Absolute path; it is made when it is not there. */
  readonly directory: string;
  /** Bound of the recent batches that all logs of the directory keep in memory together. */
  readonly cacheBytes: number;
  /** Bound of the segment files that are open at a time. */
  readonly maxOpenFiles: number;
  /** -1 for the smaller of 256 MiB and 2 % of the file system, but at least 8 MiB. */
  readonly minFreeBytes: number;
  readonly logger: Logger;
  /** A sync failed: what was acknowledged is safe, but this process must end and recover. */
  onFatal(error: Error): void;
  /** Lets an append that met a full disk give up the reserved file and go on: for the log that deletions depend on. */
  readonly appendsMayUseReserve?: boolean;
}
