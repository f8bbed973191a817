import { DiskError, type Disk, type Logger } from "@ottla/host";
import { type Log, LogDamagedError } from "@ottla/log";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "./producer-snapshot.ts";
import { Producers } from "./producers.ts";

/** The newest may be damaged: then the one before it spares reading the whole log. */
const SNAPSHOTS_KEPT = 2;
const SUFFIX = ".snapshot";
const TEMPORARY = ".tmp";

/** Snapshots of the producers of one partition, beside its segments. */
export class ProducerStore {
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #limit: number;
  /** Offset of the newest one on disk. */
  #newest = -1;
  #writing: Promise<void> | null = null;

  constructor(disk: Disk, logger: Logger, limit: number) {
    this.#disk = disk;
    this.#logger = logger;
    this.#limit = limit;
  }

  /** What lies below it is told by a snapshot on the disk, so the log may lose it. */
  get savedOffset(): number {
    return Math.max(0, this.#newest);
  }

  /** The state at the log's end: the newest snapshot that verifies, and the headers of the batches after it.
   * @returns also how many batches were read, so that the caller knows what the next snapshot would spare */
  async load(log: Log, nowMs: number): Promise<{ producers: Producers; batchesRead: number }> {
    await this.#writing?.catch(() => {});
    this.#newest = -1;
    const { producers, offset } = await this.#newestSnapshot(log);
    let batchesRead = 0;
    for (let from = Math.max(offset, log.startOffset); from < log.endOffset;) {
      try {
        for await (const header of log.headers(from)) {
          from = header.lastOffset + 1;
          batchesRead++;
          // When it was appended is not known; counting from now forgets nobody too early.
          producers.record(header, header.baseOffset, nowMs, header.timestampType === "append" ? header.maxTimestamp : -1);
        }
        break;
      } catch (error) {
        if (!(error instanceof LogDamagedError)) throw error;
        from = error.until;
      }
    }
    return { producers, batchesRead };
  }

  /** Writes the state at the log's end, atomically and durably. While one is being written, perhaps of an earlier
   * end, a second call only waits for it: {@link savedOffset} tells how far that came. */
  save(log: Log, producers: Producers): Promise<void> {
    if (this.#writing !== null) return this.#writing;
    const offset = log.endOffset;
    if (offset === this.#newest || offset === 0) return Promise.resolve();
    const bytes = encodeProducerSnapshot(offset, producers);
    this.#writing = this.#write(log, offset, bytes).finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  /** Puts another replica's snapshot in its place, durably; the next {@link load} finds it if the log's end is not below it.
   * @throws Error when it does not verify */
  async keep(log: Log, offset: number, bytes: Uint8Array): Promise<void> {
    await this.#writing?.catch(() => {});
    const found = decodeProducerSnapshot(bytes, this.#limit);
    if (found.offset !== offset) throw new Error(`A snapshot of producers came for offset ${offset}; it is of offset ${found.offset}`);
    await this.#disk.makeDirectory(log.directory);
    await this.#place(log.directory, offset, bytes);
  }

  async #write(log: Log, offset: number, bytes: Uint8Array): Promise<void> {
    await log.written(offset);
    await this.#place(log.directory, offset, bytes);
    this.#newest = offset;
    const offsets = offsetsOf(await this.#names(log.directory));
    for (const old of offsets.slice(SNAPSHOTS_KEPT)) await this.#disk.remove(snapshotPath(log.directory, old));
  }

  async #place(directory: string, offset: number, bytes: Uint8Array): Promise<void> {
    const path = snapshotPath(directory, offset);
    const temporary = `${path}${TEMPORARY}`;
    const file = await this.#disk.open(temporary, "create");
    try {
      await file.truncate(0);
      await file.write([bytes], 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(temporary, path);
    await this.#disk.syncDirectory(directory);
  }

  async #newestSnapshot(log: Log): Promise<{ producers: Producers; offset: number }> {
    const names = await this.#names(log.directory);
    const offsets = offsetsOf(names);
    const unfinished = names.filter((name) => name.endsWith(`${SUFFIX}${TEMPORARY}`));
    for (const name of unfinished) await this.#disk.remove(`${log.directory}/${name}`);
    await this.#removeLost(log, offsets);
    for (const offset of offsets.filter((each) => each <= log.endOffset)) {
      const path = snapshotPath(log.directory, offset);
      try {
        const snapshot = decodeProducerSnapshot(await readWhole(this.#disk, path), this.#limit);
        if (snapshot.offset !== offset) throw new Error(`it is of offset ${snapshot.offset}`);
        this.#newest = offset;
        return snapshot;
      } catch (error) {
        this.#logger.warn({ path, err: error }, "A snapshot of producers cannot be used; an older one or the log itself stands in for it");
      }
    }
    return { producers: new Producers(this.#limit), offset: 0 };
  }

  /** A snapshot above the log's end tells of batches that a power failure took. Once other batches have their offsets it would be wrong,
   * so it must be gone for good before the first append. */
  async #removeLost(log: Log, offsets: readonly number[]): Promise<void> {
    const lost = offsets.filter((offset) => offset > log.endOffset);
    if (lost.length === 0) return;
    for (const offset of lost) await this.#disk.remove(snapshotPath(log.directory, offset));
    await this.#disk.syncDirectory(log.directory);
  }

  /** A log without a batch has no directory yet. */
  async #names(directory: string): Promise<string[]> {
    return await this.#disk.list(directory).catch((error: unknown) => {
      if (error instanceof DiskError && error.code === "ENOENT") return [];
      throw error;
    });
  }
}

/** Newest first. */
function offsetsOf(names: readonly string[]): number[] {
  return names
    .filter((name) => /^\d{20}\.snapshot$/.test(name))
    .map((name) => Number(name.slice(0, -SUFFIX.length)))
    .reverse();
}

function snapshotPath(directory: string, offset: number): string {
  return `${directory}/${String(offset).padStart(20, "0")}${SUFFIX}`;
}

async function readWhole(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, "read");
  try {
    const bytes = new Uint8Array(await file.size());
    const read = await file.read(bytes, 0);
    if (read < bytes.length) throw new DiskError("read", path, "EIO");
    return bytes;
  } finally {
    await file.close();
  }
}
