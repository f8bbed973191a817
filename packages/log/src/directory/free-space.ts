import { type Clock, type Disk, type DiskFile, type Logger, type Timer, removeIfThere, isMissing } from "@ottla/host";

const MIB = 1 << 20;
const RESERVE_BYTES = 4 * MIB;
const POLL_MS = 5_000;
const LOW_POLL_MS = 500;

export interface Space {
  readonly freeBytes: number;
  readonly limitBytes: number;
  /** Appends should be refused until this is over. */
  readonly low: boolean;
}

export interface FreeSpaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directory: string;
  readonly reserveName: string;
  readonly minFreeBytes: number;
  readonly logger: Logger;
}

/** Watches the free space of a directory's file system, and keeps a file that is given up when the disk is really full, so that deletions,
 * retention and commits go on. */
export class FreeSpace {
  readonly #options: FreeSpaceOptions;
  readonly #reservePath: string;
  #space: Space = { freeBytes: 0, limitBytes: 0, low: false };
  #timer: Timer | null = null;
  #polling: Promise<void> | null = null;
  #wroteBytes = 0;
  #reserved = false;
  #closed = false;

  private constructor(options: FreeSpaceOptions) {
    this.#options = options;
    this.#reservePath = `${options.directory}/${options.reserveName}`;
  }

  static async open(options: FreeSpaceOptions): Promise<FreeSpace> {
    const watch = new FreeSpace(options);
    watch.#reserved = await watch.#isReserved();
    await watch.#measure();
    watch.#arm();
    return watch;
  }

  get space(): Space {
    return this.#space;
  }

  /** Measures now; calls meanwhile share the result. */
  poll(): Promise<void> {
    this.#polling ??= this.#pollNow().finally(() => (this.#polling = null));
    return this.#polling;
  }

  /** So much was written since: measures again before that can have used up what was left above the limit. */
  wrote(bytes: number): void {
    this.#wroteBytes += bytes;
    const { freeBytes, limitBytes, low } = this.#space;
    if (!low && this.#wroteBytes >= Math.max(MIB, (freeBytes - limitBytes) / 2)) void this.poll();
  }

  /** Frees the reserved bytes. False when they had been freed before. */
  async freeReserve(): Promise<boolean> {
    void this.poll();
    if (!this.#reserved) return false;
    this.#reserved = false;
    await removeIfThere(this.#options.disk, this.#reservePath);
    this.#options.logger.warn(
      { path: this.#reservePath, bytes: RESERVE_BYTES },
      "The disk is full; the reserved file was given up so that deletions can go on",
    );
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#polling;
  }

  async #pollNow(): Promise<void> {
    this.#timer?.cancel();
    try {
      await this.#measure();
      if (!this.#reserved && !this.#closed) await this.#reserve();
    } catch (error) {
      this.#options.logger.warn({ err: error, path: this.#options.directory }, "Cannot measure the free space");
    }
    this.#arm();
  }

  async #measure(): Promise<void> {
    const { disk, directory, minFreeBytes, logger } = this.#options;
    this.#wroteBytes = 0;
    const { freeBytes, totalBytes } = await disk.space(directory);
    const limitBytes = minFreeBytes >= 0 ? minFreeBytes : Math.max(8 * MIB, Math.min(256 * MIB, Math.floor(totalBytes / 50)));
    const low = freeBytes < limitBytes;
    if (low !== this.#space.low)
      logger.warn(
        { path: directory, freeBytes, limitBytes },
        low ? "Free space is below its limit: appends are refused" : "Free space is back",
      );
    this.#space = { freeBytes, limitBytes, low };
  }

  #arm(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(this.#space.low ? LOW_POLL_MS : POLL_MS, () => void this.poll());
  }

  async #reserve(): Promise<void> {
    if (this.#space.freeBytes < this.#space.limitBytes + 2 * RESERVE_BYTES) return;
    let file: DiskFile | null = null;
    try {
      file = await this.#options.disk.open(this.#reservePath, "create");
      const part = new Uint8Array(MIB);
      for (let at = 0; at < RESERVE_BYTES; at += MIB) await file.write([part], at);
      this.#reserved = true;
    } catch {
      // A reserve that cannot be made now is made when there is room.
      await removeIfThere(this.#options.disk, this.#reservePath).catch(() => undefined);
    } finally {
      await file?.close();
    }
  }

  async #isReserved(): Promise<boolean> {
    try {
      const file = await this.#options.disk.open(this.#reservePath, "read");
      try {
        return (await file.size()) >= RESERVE_BYTES;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }
}
