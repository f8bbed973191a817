import { join, resolve } from "node:path";
import { type DirectoryLock, type Disk, DiskError, nodeHost, silentLogger } from "@ottla/host";
import { type DamagedOffsets, LogDirectory } from "@ottla/log";
import { loadNodeConfig } from "@ottla/protocol";
import { Command } from "commander";
import type { Surroundings } from "../invocation.ts";
import { show } from "../output/show.ts";

interface Found extends DamagedOffsets {
  readonly log: string;
}

export function recoverCommand({ terminal, env }: Surroundings): Command {
  return new Command("recover")
    .description("look for damaged records in the data directory of a stopped node, and give them up if told so")
    .option("--data-dir <path>", "default: data.dir")
    .option("--accept-loss", "give up the damaged offsets: a copy of each file is kept beside it, readers pass over the gap", false)
    .option("--json", "print JSON, for programs", false)
    .action(async (options: { dataDir?: string; acceptLoss: boolean; json: boolean }) => {
      const { OTTLA_BOOTSTRAP: _, ...nodeEnv } = env;
      const { config } = loadNodeConfig({ env: nodeEnv, flags: options.dataDir === undefined ? {} : { "data.dir": options.dataDir } });
      const dataDir = resolve(config.dataDir);
      const { disk, clock, random } = nodeHost();
      // Looking must not make anything: a mistyped path would become a data directory.
      if (!(await disk.exists(join(dataDir, "log"))))
        throw new Error(
          `Cannot look for damage in ${dataDir}: it is no data directory of a broker (it has no log/); give the right one with --data-dir`,
        );
      const lock = await lockOf(disk, dataDir);
      try {
        let failure: Error | undefined;
        const directory = await LogDirectory.open({
          disk,
          clock,
          random,
          directory: join(dataDir, "log"),
          cacheBytes: 0,
          maxOpenFiles: config.logOpenFilesMax,
          minFreeBytes: config.logMinFreeBytes,
          logger: silentLogger,
          onFatal: (error) => (failure ??= error),
        });
        const found: Found[] = [];
        let looked = false;
        try {
          for (const name of directory.names()) {
            const log = await directory.openLog(
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
            );
            const ranges = options.acceptLoss && log.damaged.length > 0 ? await log.acceptLoss() : log.damaged;
            found.push(...ranges.map((range) => ({ log: name, ...range })));
          }
          looked = true;
        } finally {
          // Opening took the marker of a clean stop away; if nothing is wrong, the next start may go by it as before.
          const marker = looked && found.length === 0 ? directory.cleanShutdown : null;
          await directory.close(marker ?? undefined);
        }
        if (failure) throw failure;
        await show(terminal, options.json, found, {
          empty: `Nothing is damaged in ${dataDir}`,
          columns: [
            { title: "LOG" },
            { title: "FROM", align: "right" },
            { title: "UNTIL", align: "right" },
            { title: "FILE" },
            { title: "" },
          ],
          row: ({ log, from, until, file }) => [log, from, until, file, options.acceptLoss ? "given up" : "damaged"],
        });
        if (found.length > 0 && !options.acceptLoss)
          terminal.error("These offsets answer an error until they are restored from a copy, or given up with --accept-loss\n");
      } finally {
        await lock.release();
      }
    });
}

async function lockOf(disk: Disk, dataDir: string): Promise<DirectoryLock> {
  try {
    return await disk.lock(dataDir);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== "EBUSY") throw error;
    throw new Error(`Cannot look for damage in ${dataDir}: ${error.message}; stop that process first`, { cause: error });
  }
}
