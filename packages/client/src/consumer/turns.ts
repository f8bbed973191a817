import type { Codecs } from "@ottla/host";
import type { ConsumeError } from "../errors.ts";
import { decodeNext } from "./decode.ts";
import type { Cursor, Partition } from "./partition.ts";

/** Serves the partitions that have something at hand one after the other. */
export class Turns {
  readonly #codecs: Codecs;
  readonly #freed: (bytes: number) => void;
  readonly #ready = new Set<Partition>();
  readonly #failed = new Set<Partition>();

  /** `freed`: bytes have left the buffer. */
  constructor(codecs: Codecs, freed: (bytes: number) => void) {
    this.#codecs = codecs;
    this.#freed = freed;
  }

  arrived(partition: Partition): void {
    if (partition.ready) this.#ready.add(partition);
  }

  failed(partition: Partition): void {
    this.#failed.add(partition);
  }

  /** null, at once, so that what arrives next is not missed: nothing is at hand. "obsolete": what was counts no more, or held no record.
   * @throws ConsumeError of a partition of which all is handed out that came before it, however much the others still have */
  next(): Promise<Cursor | "obsolete"> | null {
    const stuck = this.#stuck();
    if (stuck !== null) throw stuck;
    const partition = this.#pick();
    return partition === undefined ? null : this.#cursor(partition);
  }

  #stuck(): ConsumeError | null {
    for (const partition of this.#failed) {
      if (partition.failure === null) this.#failed.delete(partition);
      else if (partition.batches.length === 0 && partition.held === null) return partition.failure;
    }
    return null;
  }

  #pick(): Partition | undefined {
    for (const partition of this.#ready) {
      this.#ready.delete(partition);
      if (partition.ready) return partition;
    }
    return undefined;
  }

  async #cursor(partition: Partition): Promise<Cursor | "obsolete"> {
    const { held } = partition;
    if (held !== null) {
      partition.held = null;
      this.arrived(partition);
      return held;
    }
    try {
      const { cursor, bytes } = await decodeNext(partition, this.#codecs);
      this.#freed(bytes);
      if (cursor.generation !== partition.generation) return "obsolete";
      if (cursor.records.length > 0) return cursor;
      partition.skipTo(cursor.nextOffset);
      return "obsolete";
    } finally {
      this.arrived(partition);
    }
  }
}
