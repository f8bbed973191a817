import { type Timer, isMissing } from "@ottla/host";
import type { Uuid } from "@ottla/protocol";
import { LogCore } from "../log/core.ts";
import { Log } from "../log/log.ts";
import { openContent } from "../log/open-content.ts";
import type { LogSettings } from "../settings.ts";
import type { Space } from "./free-space.ts";
import { hasIdentity, leaveMarker, readIdentity, takeMarker } from "./identity.ts";
import { Incarnations } from "./incarnations.ts";
import { Limiter } from "./limiter.ts";
import { makeDurableDirectory } from "./make-durable.ts";
import { MAX_NAME_BYTES } from "./mark.ts";
import type { LogDirectoryOptions } from "./options.ts";
import { logName, openShared } from "./open-shared.ts";
import { removedName } from "./removed.ts";
import type { Shared } from "./shared.ts";

const CHECKPOINT_MS = 60_000;
const LOGS_AT_A_TIME = 64;

/** Owns what the logs of one directory share: the file of marks, the journal of log states, the cache of recent batches, the open files,
 * the watch over free space, and the marker of a clean shutdown. */
export class LogDirectory implements AsyncDisposable {
  readonly path: string;
  /** Made at the first open, kept for good. */
  readonly directoryId: Uuid;
  /** The marker that was found at open; it is gone since. */
  readonly cleanShutdown: { readonly brokerEpoch: number } | null;
  readonly #shared: Shared;
  readonly #incarnations: Incarnations;
  readonly #hasFailed: () => boolean;
  readonly #found: Set<string>;
  readonly #logs = new Map<string, Promise<Log>>();
  readonly #few = new Limiter(LOGS_AT_A_TIME);
  readonly #removals = new Set<Promise<void>>();
  #checkpointTimer: Timer | null = null;
  #checkpointing: Promise<void> | null = null;
  #failed = false;
  #closing: Promise<void> | null = null;

  private constructor(
    shared: Shared,
    directoryId: Uuid,
    cleanShutdown: { brokerEpoch: number } | null,
    found: Set<string>,
    hasFailed: () => boolean,
  ) {
    this.#shared = shared;
    this.#incarnations = new Incarnations(shared.disk, shared.path, shared.logger);
    this.path = shared.path;
    this.directoryId = directoryId;
    this.cleanShutdown = cleanShutdown;
    this.#found = found;
    this.#hasFailed = hasFailed;
    this.#armCheckpoint();
  }

  /** @throws NewerFormatError when a newer Ottla wrote a file of it */
  static async open(options: LogDirectoryOptions): Promise<LogDirectory> {
    const { disk, directory, logger } = options;
    if (!(await hasIdentity(disk, directory))) await makeDurableDirectory(disk, directory);
    const id = await readIdentity(disk, directory, options.random, logger);
    const { shared, found, removed, hasFailed } = await openShared(options);
    const opened = new LogDirectory(shared, id, await takeMarker(disk, directory), found, hasFailed);
    for (const entry of removed) opened.#removeSoon(`${directory}/${entry}`);
    return opened;
  }

  /** Of the logs found on the disk and those opened since. */
  names(): string[] {
    return [...this.#found].sort();
  }

  get freeSpace(): Space {
    return this.#shared.space.space;
  }

  /** Before others hear of this start of the directory's owner: resolves, once it is noted durably, with the starts that are remembered. An old
   * copy of the directory does not remember the last one that others heard of.
   * @throws NewerFormatError */
  beginIncarnation(incarnation: Uuid): Promise<readonly Uuid[]> {
    return this.#incarnations.begin(incarnation, () => this.#shared.space.freeReserve());
  }

  /** Others count on this start now: they will not ask for those before. */
  incarnationRegistered(): void {
    this.#incarnations.registered();
  }

  /** Opens a log, recovering it unless the last close was clean; makes it if it is not there.
   * @param name ASCII letters, digits, `-` and `_`, at most 80
   * @param onProgress called, at most once a turn, when an end or the start of the log moved, when it failed, or when damage was found */
  async openLog(name: string, settings: LogSettings, onProgress: (log: Log) => void): Promise<Log> {
    if (!logName.test(name) || name.length > MAX_NAME_BYTES) {
      throw new Error(`Cannot open a log named "${name}": a name has 1 to ${MAX_NAME_BYTES} ASCII letters, digits, - or _`);
    }
    if (this.#closing !== null) throw new Error(`Cannot open log ${name}: ${this.path} is closed`);
    if (this.#logs.has(name)) throw new Error(`Cannot open log ${name}: it is open already`);
    const opening = this.#few.run(() => this.#open(name, settings, onProgress));
    this.#logs.set(name, opening);
    try {
      const log = await opening;
      this.#found.add(name);
      return log;
    } catch (error) {
      this.#logs.delete(name);
      throw error;
    }
  }

  async #open(name: string, settings: LogSettings, onProgress: (log: Log) => void): Promise<Log> {
    const { content, onDisk } = await openContent(this.#shared, name, settings, this.cleanShutdown !== null);
    const core = new LogCore(name, this.#shared, settings, content, onDisk, () => onProgress(log));
    // A file that was found may have a name that does not survive a power failure yet.
    core.namesUnsynced = onDisk && this.cleanShutdown === null;
    const log = new Log(core);
    return log;
  }

  /** Closes a log and takes it away: durably gone when it resolves, its bytes are freed while nobody waits. */
  async removeLog(name: string): Promise<void> {
    const open = this.#logs.get(name);
    if (open !== undefined) {
      await (await open).close();
      this.#logs.delete(name);
    }
    const { disk, marks, states } = this.#shared;
    const gone = `${this.path}/${removedName(name)}`;
    try {
      await disk.removeDirectory(gone);
      await disk.rename(`${this.path}/${name}`, gone);
      await this.#shared.syncNames();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    await marks.clear(name);
    await states.remove(name);
    this.#found.delete(name);
    this.#removeSoon(gone);
  }

  /** Flushes and closes every log. With `marker`, and if nothing had failed, the next open trusts what is on the disk. */
  close(marker?: { brokerEpoch: number }): Promise<void> {
    this.#closing ??= this.#close(marker);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(marker: { brokerEpoch: number } | undefined): Promise<void> {
    const { files, marks, states, space, disk, logger } = this.#shared;
    this.#checkpointTimer?.cancel();
    await this.#checkpointing;
    await Promise.all(Array.from(this.#logs.values(), (log) => this.#few.run(async () => this.#closeLog(await log))));
    await Promise.all(this.#removals);
    await this.#incarnations.idle();
    await files.close();
    await space.close();
    const clean = marker !== undefined && !this.#failed && !this.#hasFailed();
    try {
      await states.close();
      await marks.close();
      if (clean) await leaveMarker(disk, this.path, marker.brokerEpoch);
      else if (marker !== undefined) logger.warn({ path: this.path }, "A log had failed: the next start recovers");
    } catch (error) {
      logger.error({ err: error, path: this.path }, "Cannot close the log directory in order; the next start recovers");
    }
  }

  async #closeLog(log: Log): Promise<void> {
    await log.close();
    if (!log.closedClean) this.#failed = true;
  }

  #removeSoon(path: string): void {
    const { disk, logger } = this.#shared;
    const removal = disk
      .removeDirectory(path)
      .catch((error: unknown) => logger.warn({ err: error, path }, "Cannot remove a deleted log; the next start will"))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  #armCheckpoint(): void {
    this.#checkpointTimer = this.#shared.clock.after(CHECKPOINT_MS, () => {
      this.#checkpointing = this.#checkpoint().finally(() => {
        this.#checkpointing = null;
        if (this.#closing === null) this.#armCheckpoint();
      });
    });
  }

  /** Bounds what recovery has to scan. */
  async #checkpoint(): Promise<void> {
    await Promise.all(
      Array.from(this.#logs.values(), (log) =>
        this.#few.run(async () => {
          await (await log).checkpoint();
        }),
      ),
    ).catch((error: unknown) => this.#shared.logger.warn({ err: error, path: this.path }, "Cannot save recovery points"));
  }
}
