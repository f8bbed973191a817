import type { Disk, DiskFile, Logger } from "@ottla/host";
import { assert } from "../assert.ts";
import { FILE_HEADER_BYTES, type FileFormat, fileHeader, hasHeader } from "../format/file-header.ts";
import { decodeMark, encodeMark, type Mark, MARK_BYTES } from "./mark.ts";
import type { Turn } from "./turn.ts";

const format: FileFormat = { magic: "OTTLAMRK", version: 1 };
const SLOT_BYTES = MARK_BYTES * 2;
const GROW_SLOTS = 64;
/** Dirty slots no further apart than this share a write. */
const JOIN_BYTES = 2048;

interface Slot {
  readonly at: number;
  readonly name: string;
  sequence: number;
}

/** One file for all logs of a directory: a slot for each with two copies of its mark, written alternately, so that a torn write leaves the
 * former one. Slot 0 holds the file's header. */
export class MarkFile {
  readonly #file: DiskFile;
  readonly #turn: Turn;
  #image: Uint8Array;
  readonly #slots = new Map<string, Slot>();
  readonly #marks = new Map<string, Mark>();
  #free: number[] = [];
  #dirty: Slot[] = [];
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  /** A sync failed: nothing may be written behind what it lost. */
  #failure: Error | null = null;
  readonly #run = (): void => void this.#write();

  private constructor(file: DiskFile, image: Uint8Array, turn: Turn) {
    this.#file = file;
    this.#image = image;
    this.#turn = turn;
  }

  /** A file whose header is damaged is begun anew: the recovery points stand for the marks.
   * @throws NewerFormatError */
  static async open(disk: Disk, path: string, turn: Turn, logger: Logger): Promise<MarkFile> {
    const file = await disk.open(path, "create");
    const bytes = new Uint8Array(await file.size());
    await file.read(bytes, 0);
    if (bytes.length >= FILE_HEADER_BYTES && !hasHeader(bytes, format, path)) {
      logger.warn({ path }, "The mark file is damaged; recovery goes by the recovery points");
      await file.truncate(0);
    }
    const image = hasHeader(bytes, format, path) ? bytes.subarray(0, bytes.length - (bytes.length % SLOT_BYTES)) : new Uint8Array(0);
    const marks = new MarkFile(file, image, turn);
    if (image.length === 0) await marks.#grow();
    else marks.#load();
    return marks;
  }

  get(name: string): Mark | null {
    return this.#marks.get(name) ?? null;
  }

  names(): Iterable<string> {
    return this.#marks.keys();
  }

  /** Resolves once the mark is handed to the operating system, together with the others of this turn. It is not synced. */
  async set(name: string, mark: Mark): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const slot = this.#slots.get(name) ?? (await this.#allocate(name));
    this.#marks.set(name, mark);
    this.#put(slot, mark);
    this.#dirty.push(slot);
    if (this.#dirty.length === 1) this.#turn.add(this.#run);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Replaces both copies durably: before a cut below the mark. */
  async lower(name: string, mark: Mark): Promise<void> {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#marks.set(name, mark);
    this.#put(slot, mark);
    this.#put(slot, mark);
    await this.#writeSlot(slot);
    await this.#sync();
  }

  /** Forgets a log durably, so that one of the same name starts without a mark. */
  async clear(name: string): Promise<void> {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    this.#marks.delete(name);
    this.#dirty = this.#dirty.filter((dirty) => dirty !== slot);
    this.#image.fill(0, slot.at, slot.at + SLOT_BYTES);
    await this.#writeSlot(slot);
    await this.#sync();
    this.#free.push(slot.at);
  }

  /** @throws Error when a sync had failed, now or before */
  async close(): Promise<void> {
    try {
      if (this.#failure !== null) throw this.#failure;
      await this.#sync();
    } finally {
      await this.#file.close();
    }
  }

  #put(slot: Slot, mark: Mark): void {
    slot.sequence++;
    const at = slot.at + (slot.sequence % 2) * MARK_BYTES;
    encodeMark(this.#image.subarray(at, at + MARK_BYTES), slot.name, slot.sequence, mark);
  }

  async #allocate(name: string): Promise<Slot> {
    while (this.#free.length === 0) await this.#grow();
    const there = this.#slots.get(name);
    if (there !== undefined) return there;
    const at = this.#free.pop();
    assert(at !== undefined, `a free slot of ${this.#image.length} bytes`);
    const slot = { at, name, sequence: 0 };
    this.#slots.set(name, slot);
    return slot;
  }

  #growing: Promise<void> | null = null;

  #grow(): Promise<void> {
    this.#growing ??= this.#growNow().finally(() => (this.#growing = null));
    return this.#growing;
  }

  async #growNow(): Promise<void> {
    const from = this.#image.length;
    const added = new Uint8Array(GROW_SLOTS * SLOT_BYTES);
    if (from === 0) added.set(fileHeader(format));
    await this.#file.write([added], from);
    await this.#sync();
    const image = new Uint8Array(from + added.length);
    image.set(this.#image);
    image.set(added, from);
    this.#image = image;
    for (let at = image.length - SLOT_BYTES; at >= Math.max(from, SLOT_BYTES); at -= SLOT_BYTES) this.#free.push(at);
  }

  #load(): void {
    for (let at = this.#image.length - SLOT_BYTES; at >= SLOT_BYTES; at -= SLOT_BYTES) {
      const copies = [at, at + MARK_BYTES].map((copy) => decodeMark(this.#image.subarray(copy, copy + MARK_BYTES)));
      const [one, other] = copies;
      const newest = other === null || other === undefined || (one && one.sequence > other.sequence) ? one : other;
      if (newest === null || newest === undefined || this.#slots.has(newest.name)) {
        this.#free.push(at);
        continue;
      }
      this.#slots.set(newest.name, { at, name: newest.name, sequence: newest.sequence });
      this.#marks.set(newest.name, newest.mark);
    }
  }

  async #write(): Promise<void> {
    const dirty = this.#dirty.sort((a, b) => a.at - b.at);
    const waiting = this.#waiting;
    this.#dirty = [];
    this.#waiting = [];
    try {
      if (this.#failure !== null) throw this.#failure;
      const writes: Promise<void>[] = [];
      for (let at = 0; at < dirty.length;) {
        const from = dirty[at]?.at ?? 0;
        let until = from + SLOT_BYTES;
        for (at++; at < dirty.length && (dirty[at]?.at ?? 0) - until <= JOIN_BYTES; at++) until = (dirty[at]?.at ?? 0) + SLOT_BYTES;
        // A copy: what is in the image may change while the write is under way.
        writes.push(this.#file.write([this.#image.slice(from, until)], from));
      }
      await Promise.all(writes);
      for (const waiter of waiting) waiter.resolve();
    } catch (error) {
      for (const waiter of waiting) waiter.reject(error);
    }
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (error) {
      this.#failure = new Error("Cannot sync the marks: what the file holds is not known until the next start", { cause: error });
      throw this.#failure;
    }
  }

  async #writeSlot(slot: Slot): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    return this.#file.write([this.#image.slice(slot.at, slot.at + SLOT_BYTES)], slot.at);
  }
}
