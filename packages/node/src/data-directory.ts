import { join } from "node:path";
import { DiskError, type DirectoryLock, type Disk, type Logger } from "@ottla/host";
import { readMetaProperties, writeMetaProperties, type MetaProperties } from "./meta-properties.ts";

/** The one directory of a node, owned by this process while it is open. */
export class DataDirectory implements AsyncDisposable {
  readonly path: string;
  readonly #disk: Disk;
  readonly #lock: DirectoryLock;
  #meta: MetaProperties;

  private constructor(disk: Disk, path: string, lock: DirectoryLock, meta: MetaProperties) {
    this.#disk = disk;
    this.path = path;
    this.#lock = lock;
    this.#meta = meta;
  }

  /** Makes the directory at the first start.
   * @throws Error naming path and fix: not writable, in use by a live process, of another node, or of a newer format */
  static async open(disk: Disk, path: string, nodeId: number, logger: Logger): Promise<DataDirectory> {
    const lock = await own(disk, path);
    try {
      const found = await readMetaProperties(disk, path);
      if (found && found.meta.nodeId !== nodeId)
        throw new Error(
          `Cannot use data directory ${path}: it belongs to node ${found.meta.nodeId}, this is node ${nodeId}; set node.id=${found.meta.nodeId} or another data.dir`,
        );
      const meta = found?.meta ?? { nodeId, clusterId: null };
      if (found?.damage) logger.warn({ dataDir: path }, `${found.damage}: written anew from what its twin says`);
      if (!found || found.damage) await writeMetaProperties(disk, path, meta);
      return new DataDirectory(disk, path, lock, meta);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Null until the node has joined one. */
  get clusterId(): string | null {
    return this.#meta.clusterId;
  }

  get controllerPath(): string {
    return join(this.path, "controller");
  }

  get logPath(): string {
    return join(this.path, "log");
  }

  /** Binds the directory to its cluster, once that is known.
   * @throws Error when it already belongs to another one */
  async join(clusterId: string): Promise<void> {
    if (this.#meta.clusterId === clusterId) return;
    if (this.#meta.clusterId !== null)
      throw new Error(
        `Cannot use data directory ${this.path}: it belongs to cluster ${this.#meta.clusterId}, this is cluster ${clusterId}; set another data.dir`,
      );
    this.#meta = { ...this.#meta, clusterId };
    await writeMetaProperties(this.#disk, this.path, this.#meta);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock.release();
  }
}

async function own(disk: Disk, path: string): Promise<DirectoryLock> {
  try {
    await disk.makeDirectory(path);
    return await disk.lock(path);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (error.code === "EBUSY")
      throw new Error(`Cannot use data directory ${path}: ${error.message}; stop that process or set another data.dir`, { cause: error });
    throw new Error(`Cannot use data directory ${path}: ${error.code}; make it writable for this user or set another data.dir`, {
      cause: error,
    });
  }
}
