import { type DamagedOffsets, type Log, LogDamagedError } from "@ottla/log";

/** Reads a log from its start to its end, also what recovery trusts because it was verified before: bytes rot in old files too.
 * @param onRead told of each batch
 * @returns every damaged range, accepted ones left out */
export async function scan(
  log: Log,
  signal: AbortSignal,
  onRead: (records: number, bytes: number) => void,
): Promise<readonly DamagedOffsets[]> {
  for (let from = log.startOffset; from < log.endOffset;) {
    try {
      for await (const header of log.headers(from)) {
        signal.throwIfAborted();
        onRead(header.lastOffset + 1 - header.baseOffset, header.sizeBytes);
        from = header.lastOffset + 1;
      }
      break;
    } catch (error) {
      if (!(error instanceof LogDamagedError)) throw error;
      from = error.until;
    }
  }
  return log.unserved;
}
