import { DiskError } from "@ottla/host";
import { ProtocolError } from "@ottla/protocol";

/** The log takes no appends since a write or a sync failed; what it holds stays readable. */
export class LogFailedError extends ProtocolError {
  /** The operating system's code of the operation that failed, such as ENOSPC. */
  readonly reason: string;

  constructor(message: string, reason: string, cause?: unknown) {
    super("KAFKA_STORAGE_ERROR", message, { cause });
    this.name = "LogFailedError";
    this.reason = reason;
  }
}

/** Bytes that had been made durable do not verify. Offsets before and after the range can be read. */
export class LogDamagedError extends ProtocolError {
  readonly file: string;
  readonly from: number;
  /** Exclusive. */
  readonly until: number;

  constructor(log: string, file: string, from: number, until: number) {
    super(
      "KAFKA_STORAGE_ERROR",
      `Cannot read offsets ${from} to ${until - 1} of log ${log}: their bytes in ${file} are damaged. Offsets before and after them can be read; ` +
        `restore the file from a copy, or give the records up with ottla recover --accept-loss`,
    );
    this.name = "LogDamagedError";
    this.file = file;
    this.from = from;
    this.until = until;
  }
}

/** The process, or the system, may open no more files. Nothing that is open has suffered: only an open fails like this. */
export function isOutOfFiles(error: unknown): boolean {
  return error instanceof DiskError && (error.code === "EMFILE" || error.code === "ENFILE");
}

export function isFull(error: unknown): boolean {
  return error instanceof DiskError && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
