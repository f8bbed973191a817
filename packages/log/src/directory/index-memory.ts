import type { Segment } from "../segment/segment.ts";

/** Bounds the memory of the segment indexes of all logs: the longest unused goes back to its file. */
export class IndexMemory {
  readonly #limitBytes: number;
  readonly #held = new Map<Segment, { bytes: number; evict: () => void }>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The segment's index is in memory and in use. */
  touch(segment: Segment, evict: () => void): void {
    this.release(segment);
    const bytes = segment.index?.bytes ?? 0;
    this.#held.set(segment, { bytes, evict });
    this.#bytes += bytes;
    for (const [oldest, held] of this.#held) {
      if (this.#bytes <= this.#limitBytes || oldest === segment) return;
      this.release(oldest);
      held.evict();
    }
  }

  release(segment: Segment): void {
    const held = this.#held.get(segment);
    if (held === undefined) return;
    this.#held.delete(segment);
    this.#bytes -= held.bytes;
  }
}
