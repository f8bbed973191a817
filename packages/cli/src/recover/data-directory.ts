import { join } from "node:path";
import { type DirectoryLock, type Disk, DiskError, type Host, silentLogger } from "@ottla/host";
import { type Log, LogDirectory } from "@ottla/log";
import type { NodeConfig } from "@ottla/protocol";

/** Nobody starts a node on it meanwhile.
 * @throws Error when it is no data directory, or in use */
export async function lockDataDirectory(disk: Disk, dataDir: string): Promise<DirectoryLock> {
  // Looking must not make anything: a mistyped path would become a data directory.
  if (!(await disk.exists(join(dataDir, "meta.properties"))) && !(await disk.exists(join(dataDir, "log"))))
    throw new Error(
      `Cannot open ${dataDir}: it is no data directory of a node (it has neither meta.properties nor log/); give the right one with --data-dir`,
    );
  try {
    return await disk.lock(dataDir);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== "EBUSY") throw error;
    throw new Error(`Cannot open ${dataDir}: ${error.message}; stop that process first`, { cause: error });
  }
}

/** Opens every partition's log for the time of `work`.
 * @param work resolves with whether anything is damaged */
export async function withLogs(
  { disk, clock, random }: Host,
  config: NodeConfig,
  path: string,
  work: (logs: readonly Log[]) => Promise<boolean>,
): Promise<void> {
  let failure: Error | undefined;
  const directory = await LogDirectory.open({
    disk,
    clock,
    random,
    directory: path,
    cacheBytes: 0,
    maxOpenFiles: config.logOpenFilesMax,
    minFreeBytes: config.logMinFreeBytes,
    logger: silentLogger,
    onFatal: (error) => (failure ??= error),
  });
  let whole = false;
  try {
    const logs: Log[] = [];
    for (const name of directory.names())
      logs.push(
        await directory.openLog(
          name,
          {
            segmentBytes: config.logSegmentBytes,
            segmentMs: config.logRollMs,
            indexIntervalBytes: config.logIndexIntervalBytes,
            retentionMs: -1,
            retentionBytes: -1,
            flush: { kind: "commit" },
          },
          () => {},
        ),
      );
    whole = !(await work(logs));
  } finally {
    // Opening took the marker of a clean stop away; if nothing is wrong, the next start may go by it as before.
    await directory.close((whole ? directory.cleanShutdown : null) ?? undefined);
  }
  if (failure) throw failure;
}
