import type { Clock, Disk, Logger } from "@ottla/host";
import type { BatchCache } from "./batch-cache.ts";
import type { FreeSpace } from "./free-space.ts";
import type { IndexMemory } from "./index-memory.ts";
import type { MarkFile } from "./mark-file.ts";
import type { OpenFiles } from "./open-files.ts";
import type { StateJournal } from "./state-journal.ts";
import type { Turn } from "./turn.ts";

/** What the logs of one directory have in common. */
export interface Shared {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly path: string;
  readonly turn: Turn;
  readonly files: OpenFiles;
  readonly cache: BatchCache;
  readonly indexes: IndexMemory;
  readonly marks: MarkFile;
  readonly states: StateJournal;
  readonly space: FreeSpace;
  readonly appendsMayUseReserve: boolean;
  /** Makes the names in the directory durable; calls that come while it runs share the next run. */
  syncNames(): Promise<void>;
  fatal(error: Error): void;
}
