import { batches } from "@ottla/protocol";
import type { Journal } from "./journal.ts";

interface WrittenBatch {
  readonly lastOffset: number;
  readonly crc: number;
  readonly at: number;
}

const segmentPath = /\/log\/([0-9a-f]{32}-\d+)\/\d{20}\.log$/;

/** Every batch that the node handed to the disk for its partitions, and when. */
export class WrittenLog {
  readonly #journal: Journal;
  /** By log name, then by base offset. An offset may be written again after a write that failed. */
  readonly #logs = new Map<string, Map<number, WrittenBatch[]>>();

  readonly #before: { readonly log: WrittenLog; readonly moment: number } | null;

  /** @param before what a former life had written when its power went */
  constructor(journal: Journal, before: { readonly log: WrittenLog; readonly moment: number } | null = null) {
    this.#journal = journal;
    this.#before = before;
  }

  note(path: string, parts: readonly Uint8Array[]): void {
    const name = segmentPath.exec(path)?.[1];
    if (name === undefined) return;
    const log = this.#logs.get(name) ?? new Map<number, WrittenBatch[]>();
    this.#logs.set(name, log);
    const at = this.#journal.tick();
    for (const part of parts)
      for (const { header } of batches(part)) {
        const written = { lastOffset: header.lastOffset, crc: header.crc, at };
        log.set(header.baseOffset, [...(log.get(header.baseOffset) ?? []), written]);
      }
  }

  /** Whether this very batch had been written there before `moment`. */
  has(name: string, batch: { baseOffset: number; lastOffset: number; crc: number }, moment: number): boolean {
    const written = this.#logs.get(name)?.get(batch.baseOffset) ?? [];
    if (written.some(({ lastOffset, crc, at }) => lastOffset === batch.lastOffset && crc === batch.crc && at <= moment)) return true;
    return this.#before !== null && this.#before.log.has(name, batch, this.#before.moment);
  }
}
