import { BatchCache } from "./batch-cache.ts";
import { FreeSpace } from "./free-space.ts";
import { IndexMemory } from "./index-memory.ts";
import { Joined } from "./joined.ts";
import { MarkFile } from "./mark-file.ts";
import { OpenFiles } from "./open-files.ts";
import type { LogDirectoryOptions } from "./options.ts";
import { finishRemovals, nameOfRemoved } from "./removed.ts";
import type { Shared } from "./shared.ts";
import { StateJournal } from "./state-journal.ts";
import { Turn } from "./turn.ts";

const INDEX_BYTES = 64 << 20;

/** No name of our own files fits: they have a dot. */
export const logName = /^[A-Za-z0-9_-]+$/;

export interface OpenedShared {
  readonly shared: Shared;
  /** The logs that there are. */
  readonly found: Set<string>;
  /** Directories of removed logs. */
  readonly removed: readonly string[];
  hasFailed(): boolean;
}

export async function openShared(options: LogDirectoryOptions): Promise<OpenedShared> {
  const { disk, clock, directory, logger } = options;
  let failed = false;
  const fatal = (error: Error): void => {
    if (failed) return;
    failed = true;
    options.onFatal(error);
  };
  const turn = new Turn(clock);
  const space = await FreeSpace.open({ disk, clock, directory, reserveName: "reserve.space", minFreeBytes: options.minFreeBytes, logger });
  let marks: MarkFile | null = null;
  try {
    marks = await MarkFile.open(disk, `${directory}/marks.slots`, turn, logger);
    const freeReserve = (): Promise<boolean> => space.freeReserve();
    const states = await StateJournal.open({ disk, directory, name: "states.journal", turn, logger, marks, freeReserve });
    const entries = await disk.list(directory);
    const found = new Set(entries.filter((entry) => logName.test(entry)));
    const removed = entries.filter((entry) => nameOfRemoved(entry) !== null);
    await finishRemovals(removed.map(nameOfRemoved), found, { states, marks });
    for (const name of states.names()) found.add(name);
    const files = new OpenFiles(disk, Math.max(options.maxOpenFiles, 1), (cause) =>
      fatal(new Error(`Cannot sync a file of ${directory} before closing it`, { cause })),
    );
    const names = new Joined(() => files.withRoom(() => disk.syncDirectory(directory)));
    const shared: Shared = {
      disk,
      clock,
      logger,
      path: directory,
      turn,
      files,
      cache: new BatchCache(options.cacheBytes),
      indexes: new IndexMemory(INDEX_BYTES),
      marks,
      states,
      space,
      appendsMayUseReserve: options.appendsMayUseReserve === true,
      syncNames: () => names.run(),
      fatal,
    };
    return { shared, found, removed, hasFailed: () => failed };
  } catch (error) {
    await space.close();
    await marks?.close().catch(() => undefined);
    throw error;
  }
}
