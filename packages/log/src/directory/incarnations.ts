import { type Disk, type Logger, readWhole, replaceFile } from "@ottla/host";
import { type Uuid, uuidFromBytes, uuidToBytes } from "@ottla/protocol";
import { isFull } from "../errors.ts";
import { type FileFormat, sealFile, unsealFile } from "../format/file-header.ts";

const format: FileFormat = { magic: "OTTLAINC", version: 1 };
const FILE = "incarnations.list";
const UUID_BYTES = 16;
/** The list is shortened to so many once it has four times as many and one of them is registered. */
const KEPT = 16;
/** So many began and none heard that it was registered: any of them may have been. */
const MOST = 65_536;

/** Which starts of its owner this directory has seen, written down before others hear of each: an old copy does not know the last one they
 * heard of. */
export class Incarnations {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logger: Logger;
  #known: Uuid[] | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, directory: string, logger: Logger) {
    this.#disk = disk;
    this.#directory = directory;
    this.#logger = logger;
  }

  /** Resolves, once this one is written down durably, with those before it. Empty when nothing is known of them.
   * @throws NewerFormatError */
  async begin(incarnation: Uuid, freeReserve: () => Promise<boolean>): Promise<readonly Uuid[]> {
    const read = await this.#read();
    const former = read.length < MOST ? read : [];
    this.#known = [...former, incarnation];
    await this.#write(this.#known).catch(async (error: unknown) => {
      if (!isFull(error) || !(await freeReserve()) || this.#known === null) throw error;
      await this.#write(this.#known);
    });
    return former;
  }

  /** Others have heard of the newest: those before it are of no use any more, and do no harm either. */
  registered(): void {
    if (this.#known === null || this.#known.length < 4 * KEPT) return;
    this.#known = this.#known.slice(-KEPT);
    this.#writing = this.#write(this.#known).catch((error: unknown) =>
      this.#logger.warn({ err: error, path: this.#directory }, "Cannot shorten the list of this node's starts"),
    );
  }

  /** Resolves once nothing is being written. */
  idle(): Promise<void> {
    return this.#writing;
  }

  async #read(): Promise<Uuid[]> {
    const path = `${this.#directory}/${FILE}`;
    const bytes = await readWhole(this.#disk, path);
    if (bytes === null) return [];
    const payload = unsealFile(bytes, format, path);
    if (payload === null || payload.length % UUID_BYTES !== 0) {
      this.#logger.warn({ path }, "The list of this node's starts is damaged; it is begun anew");
      return [];
    }
    return Array.from({ length: payload.length / UUID_BYTES }, (_, at) =>
      uuidFromBytes(payload.subarray(at * UUID_BYTES, (at + 1) * UUID_BYTES)),
    );
  }

  #write(known: readonly Uuid[]): Promise<void> {
    const payload = new Uint8Array(known.length * UUID_BYTES);
    for (const [at, id] of known.entries()) payload.set(uuidToBytes(id), at * UUID_BYTES);
    return replaceFile(this.#disk, this.#directory, FILE, sealFile(format, payload));
  }
}
