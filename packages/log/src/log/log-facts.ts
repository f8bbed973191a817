import { segmentName } from "../segment/segment.ts";
import type { LogCore, Recovery } from "./core.ts";
import type { EpochEnd, EpochEntry } from "./epoch-cache.ts";

/** A range of offsets that a log does not serve. */
export interface DamagedOffsets {
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  readonly file: string;
}

/** Offsets that a log lacks, and nothing can be read of. */
export interface Gap {
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  /** Epochs that begin in it. */
  readonly epochs: readonly EpochEntry[];
  /** An operator gave it up: reads step over it. */
  readonly accepted: boolean;
}

/** What is known of a log without asking its disk. */
export class LogFacts {
  readonly #core: LogCore;

  constructor(core: LogCore) {
    this.#core = core;
  }

  get name(): string {
    return this.#core.name;
  }

  /** Absolute path of the log's own directory, which is there from the first append on. */
  get directory(): string {
    return this.#core.path;
  }

  get startOffset(): number {
    return this.#core.startOffset;
  }

  /** The start as it would be after a power failure. */
  get durableStart(): number {
    return this.#core.durableStart;
  }

  /** Of the next batch. */
  get endOffset(): number {
    return this.#core.endOffset;
  }

  get writtenOffset(): number {
    return this.#core.writtenOffset;
  }

  get durableOffset(): number {
    return this.#core.durable.offset;
  }

  /** It is noted, durably, that a power failure may take what is written and not durable: under a flush policy other than `commit` only
   * then may it count as held. It stays so until all of that is synced, whatever the policy is by then. */
  get relaxed(): boolean {
    return this.#core.relaxed;
  }

  get sizeBytes(): number {
    return this.#core.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** The newest epoch, also one without a batch; -1 if there is none. */
  get lastEpoch(): number {
    return this.#core.epochs.last;
  }

  get failure(): Error | null {
    return this.#core.failure;
  }

  get isDamaged(): boolean {
    return this.#core.damage.some(({ fate }) => fate === "damaged");
  }

  /** In order of offset: what other replicas may still have. */
  get damaged(): readonly DamagedOffsets[] {
    return this.#ranges((fate) => fate === "damaged");
  }

  /** In order of offset: what is answered with an error. Besides what is damaged, what no replica has. */
  get unserved(): readonly DamagedOffsets[] {
    return this.#ranges((fate) => fate !== "accepted");
  }

  /** What lacks at an offset and behind it; null when the offset is there. */
  gapAt(offset: number): Gap | null {
    const { damage, epochs } = this.#core;
    const range = damage.find(({ from, until }) => from <= offset && offset < until);
    if (range === undefined) return null;
    const inside = epochs.entries.filter(({ startOffset }) => startOffset >= offset && startOffset < range.until);
    return { from: offset, until: range.until, epochs: inside, accepted: range.fate === "accepted" };
  }

  /** No replica has what is at the offset any more. */
  isLost(offset: number): boolean {
    return this.#core.damage.some(({ from, until, fate }) => fate !== "damaged" && from <= offset && offset < until);
  }

  /** What was found when the log was opened. */
  get recovery(): Recovery {
    return this.#core.recovery;
  }

  /** Of the newest batch; -1 when the log holds none. */
  get lastBatchEpoch(): number {
    const { endOffset, startOffset, epochs } = this.#core;
    return endOffset === startOffset ? -1 : (epochs.at(endOffset - 1) ?? -1);
  }

  /** Where an epoch ends, for a follower that asks up to where it agrees: the largest epoch not above the one asked for, and its end.
   * Both -1 when the epoch is above all known. @see KIP-101, KIP-320 */
  epochEnd(epoch: number): EpochEnd {
    return this.#core.epochs.end(epoch, this.endOffset);
  }

  epochStart(epoch: number): number | null {
    return this.#core.epochs.start(epoch);
  }

  /** Which epoch the batch at an offset was written in. */
  epochAt(offset: number): number | null {
    return this.#core.epochs.at(offset);
  }

  #ranges(wanted: (fate: string) => boolean): DamagedOffsets[] {
    const { damage, path } = this.#core;
    return damage
      .filter(({ fate }) => wanted(fate))
      .map(({ from, until, segmentBase }) => ({ from, until, file: `${path}/${segmentName(segmentBase)}` }));
  }
}
