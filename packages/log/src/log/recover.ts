import type { DiskFile } from "@ottla/host";
import type { BatchHeader } from "@ottla/protocol";
import type { LogState } from "../directory/log-state.ts";
import type { Mark } from "../directory/mark.ts";
import type { Shared } from "../directory/shared.ts";
import { removeIndexFiles } from "../segment/index-files.ts";
import { inspect, type Inspection } from "../segment/inspect.ts";
import { Segment, segmentName } from "../segment/segment.ts";
import { SegmentIndex } from "../segment/segment-index.ts";
import { headerCheck } from "../segment/verify.ts";
import type { LogContent } from "./core.ts";
import { copyAside } from "./copy.ts";
import { clipDamage, type DamageRange, mergeDamage } from "./damage.ts";
import { EpochCache } from "./epoch-cache.ts";
import { listLog } from "./list-log.ts";
import { makeDurable, measureSegment, removeSegments } from "./recover-files.ts";

export interface RecoverOptions {
  readonly shared: Shared;
  readonly name: string;
  readonly indexIntervalBytes: number;
  /** The state journal had damage: what it says of this log may be older than what was durable. */
  readonly statesDamaged: boolean;
}

/** Opens a log after anything but a clean shutdown: verifies every batch from the recovery point on. What does not verify is a torn tail at
 * or beyond the mark, and is cut; below the mark it is damage, and stays where it is but is not served. */
export async function recover(options: RecoverOptions): Promise<{ content: LogContent; onDisk: boolean }> {
  const recovery = new Recovering(options);
  await recovery.run();
  return { content: recovery.content(), onDisk: recovery.onDisk };
}

class Recovering {
  readonly #options: RecoverOptions;
  readonly #path: string;
  readonly #state: LogState | null;
  /** Recovery scans from here. */
  #point: Mark = { offset: 0, segmentBase: 0, position: 0, check: null };
  /** What was durable at least. */
  #floor: Mark = this.#point;
  #epochs = new EpochCache([]);
  #segments: Segment[] = [];
  #damage: DamageRange[] = [];
  #end: Mark = this.#point;
  #lastEpoch = -1;
  #foundEpochs = false;
  #tornBytes = 0;
  #scannedBatches = 0;
  #startOffset = 0;
  onDisk = false;

  constructor(options: RecoverOptions) {
    this.#options = options;
    this.#path = `${options.shared.path}/${options.name}`;
    this.#state = options.shared.states.get(options.name);
  }

  async run(): Promise<void> {
    const { shared, name, statesDamaged } = this.#options;
    const found = await listLog(shared, this.#path);
    this.onDisk = found !== null;
    const bases = found ?? [];
    const first: Mark = { offset: bases[0] ?? 0, segmentBase: bases[0] ?? 0, position: 0, check: null };
    const point = this.#state === null ? first : { ...this.#state.point, check: null };
    const mark = shared.marks.get(name);
    this.#floor = mark !== null && mark.offset >= point.offset ? mark : point;
    this.#point = statesDamaged ? first : point;
    this.#startOffset = this.#state?.startOffset ?? first.offset;
    this.#epochs = new EpochCache(statesDamaged ? [] : (this.#state?.epochs ?? []));
    this.#damage = statesDamaged ? [] : [...(this.#state?.damage ?? [])];
    await this.#takeSegments(await this.#withoutDeleted(bases));
    await this.#settle();
  }

  content(): LogContent {
    return {
      segments: this.#segments,
      startOffset: this.#startOffset,
      durable: this.#end,
      epochs: this.#epochs,
      damage: this.#damage,
      relaxed: this.#state?.relaxed ?? false,
      recovery: {
        tornBytes: this.#tornBytes,
        damaged: this.#options.statesDamaged || this.#damage.some(({ fate }) => fate === "damaged"),
        scannedBatches: this.#scannedBatches,
      },
    };
  }

  /** Segments that end at or below the log's start are left from a deletion that was interrupted. */
  async #withoutDeleted(bases: readonly number[]): Promise<readonly number[]> {
    const first = this.#options.statesDamaged ? 0 : (this.#state?.segments[0]?.base ?? 0);
    const kept = bases.filter((base, at) => base >= first && (bases[at + 1] ?? Infinity) > this.#startOffset);
    await removeSegments(this.#options.shared, this.#path, bases.slice(0, bases.length - kept.length));
    return kept;
  }

  async #takeSegments(bases: readonly number[]): Promise<void> {
    const known = new Map((this.#state?.segments ?? []).map((summary) => [summary.base, summary]));
    const begin = Math.min(bases[0] ?? this.#startOffset, this.#startOffset);
    this.#end = { offset: begin, segmentBase: begin, position: 0, check: null };
    for (const [at, base] of bases.entries()) {
      const summary = known.get(base);
      const next = bases[at + 1];
      if (base !== this.#end.offset) {
        if (base < this.#end.offset || base > this.#floor.offset) return this.#drop(bases.slice(at));
        this.#loseFiles(base);
      }
      if (summary !== undefined && base < this.#point.segmentBase) {
        this.#segments.push(Segment.fromSummary(summary));
        this.#end = { offset: summary.endOffset, segmentBase: base, position: summary.sizeBytes, check: null };
      } else if (!(await this.#scan(base, next, summary?.maxTimestamp ?? -1, summary?.createdMs))) {
        return this.#drop(bases.slice(at + 1));
      }
    }
  }

  /** The files that held the offsets from the end of what was found to `until` are gone. */
  #loseFiles(until: number): void {
    const { offset } = this.#end;
    this.#lose(offset, { from: offset, until, startPosition: 0, endPosition: 0 });
  }

  /** False when the log ends in this segment. */
  async #scan(base: number, next: number | undefined, maxTimestamp: number, createdMs: number | undefined): Promise<boolean> {
    const { shared, indexIntervalBytes } = this.#options;
    const path = `${this.#path}/${segmentName(base)}`;
    const open = await shared.files.acquire(path, "write");
    try {
      const sizeBytes = await open.file.size();
      const from = base === this.#point.segmentBase && this.#point.position <= sizeBytes ? this.#point : { offset: base, position: 0 };
      const floor = this.#floorOf(base, next, sizeBytes);
      const segment = new Segment(base);
      const index = new SegmentIndex(from.position, indexIntervalBytes);
      segment.maxTimestamp = from.position > 0 ? maxTimestamp : -1;
      const epochsKnownUntil = this.#options.statesDamaged ? 0 : this.#floor.offset;
      let check: number | null = null;
      const result = await inspect({
        file: open.file,
        sizeBytes,
        from: { offset: from.offset, position: from.position, lastEpoch: this.#lastEpoch },
        floor,
        epochs: this.#epochs,
        epochsKnownUntil,
        onBatch: (header, batch, position) => {
          index.add(header.baseOffset - base, position, segment.maxTimestamp);
          segment.maxTimestamp = Math.max(segment.maxTimestamp, header.maxTimestamp);
          check = headerCheck(batch);
          this.#scannedBatches++;
          this.#lastEpoch = header.leaderEpoch;
          if (header.baseOffset >= epochsKnownUntil) this.#noteEpoch(header);
        },
      });
      segment.index = index;
      segment.endOffset = result.endOffset;
      segment.sizeBytes = segment.writtenBytes = result.endPosition;
      segment.writtenMaxTimestamp = segment.maxTimestamp;
      segment.createdMs = createdMs ?? shared.clock.wallMs();
      segment.onDisk = segment.sizeChecked = true;
      this.#segments.push(segment);
      this.#end = { offset: result.endOffset, segmentBase: base, position: result.endPosition, check };
      for (const damage of result.damage) this.#lose(base, damage);
      if (result.damage.length > 0) await copyAside(shared, open.file, path, sizeBytes);
      if (result.torn !== null) await this.#cutTail(open.file, result, base);
      return result.torn === null;
    } finally {
      shared.files.release(open);
    }
  }

  /** Beyond the mark epochs may begin of which only the batches tell. */
  #noteEpoch(header: BatchHeader): void {
    if (this.#epochs.at(header.baseOffset) === header.leaderEpoch) return;
    this.#foundEpochs = true;
    this.#epochs.forgetBeyond(header.baseOffset);
    if (header.leaderEpoch > this.#epochs.last) this.#epochs.begin(header.leaderEpoch, header.baseOffset);
  }

  /** Segments before the one with the mark were full and durable when it was begun. */
  #floorOf(base: number, next: number | undefined, sizeBytes: number): Mark {
    const floor = this.#floor;
    if (base === floor.segmentBase) return floor;
    if (base > floor.segmentBase) return { offset: base, segmentBase: base, position: 0, check: null };
    const end = next !== undefined && next <= floor.segmentBase ? next : floor.segmentBase;
    return { offset: end, segmentBase: base, position: sizeBytes, check: null };
  }

  async #cutTail(file: DiskFile, result: Inspection, base: number): Promise<void> {
    const { shared, name } = this.#options;
    const bytes = result.torn?.bytes ?? 0;
    this.#tornBytes += bytes;
    const { endOffset: fromOffset, endPosition: fromByte } = result;
    shared.logger.warn(
      { log: name, file: file.path, fromOffset, fromByte, bytes, reason: result.torn?.reason },
      "The end of a log was torn, beyond what had been made durable; it is cut off",
    );
    await file.truncate(fromByte);
    await file.sync();
    await removeIndexFiles(shared.disk, this.#path, base);
  }

  /** Segments that follow a torn end never counted. */
  async #drop(bases: readonly number[]): Promise<void> {
    const { shared, name } = this.#options;
    for (const base of bases) {
      const { path, bytes } = await measureSegment(shared, this.#path, base);
      this.#tornBytes += bytes;
      if (bytes > 0) shared.logger.warn({ log: name, file: path, bytes }, "A segment follows the torn end of its log; it is removed");
    }
    await removeSegments(shared, this.#path, bases);
  }

  #lose(segmentBase: number, bytes: Omit<DamageRange, "segmentBase" | "fate">): void {
    // Such as a range that was noted as lost, of which there never was a file.
    if (this.#damage.some((known) => known.from <= bytes.from && bytes.until <= known.until)) return;
    const range: DamageRange = { ...bytes, segmentBase, fate: "damaged" };
    this.#damage = mergeDamage(this.#damage, [range]);
    const file = `${this.#path}/${segmentName(segmentBase)}`;
    this.#options.shared.logger.error(
      { log: this.#options.name, file, from: bytes.from, until: bytes.until },
      "Damage was found; its offsets are not served",
    );
  }

  /** Brings the end of the log into order and makes durable what was found. */
  async #settle(): Promise<void> {
    const { shared, name, statesDamaged } = this.#options;
    const scannedEnd = this.#end;
    if (this.#end.offset < this.#floor.offset) {
      this.#loseFiles(this.#floor.offset);
      this.#beginAt(this.#floor.offset);
    } else if (this.#damage.some((range) => range.until === this.#end.offset)) this.#beginAt(this.#end.offset);
    if (this.#end.offset < this.#startOffset) {
      const removed = this.#segments.filter((segment) => segment.onDisk).map((segment) => segment.base);
      await removeSegments(shared, this.#path, removed);
      this.#segments = [];
      this.#beginAt(this.#startOffset);
    } else if (this.#segments.length === 0) this.#beginAt(this.#end.offset);
    this.#epochs.forgetBeyond(this.#end.offset);
    this.#damage = clipDamage(this.#damage, this.#startOffset, this.#end.offset);
    if (scannedEnd.offset > this.#floor.offset && this.onDisk) await makeDurable(shared, this.#path, this.#segments, this.#floor);
    const news = this.#damage.length > (this.#state?.damage.length ?? 0) || this.#tornBytes > 0 || this.#foundEpochs || statesDamaged;
    // First the state: batches below the mark are held against the epochs in it.
    if (news) await shared.states.put(name, this.#newState());
    if (this.#end.offset !== shared.marks.get(name)?.offset && this.onDisk) await shared.marks.set(name, this.#end);
  }

  #beginAt(offset: number): void {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.base === offset) last.endOffset = offset;
    else {
      const segment = new Segment(offset);
      segment.index = new SegmentIndex(0, this.#options.indexIntervalBytes);
      this.#segments.push(segment);
    }
    this.#end = { offset, segmentBase: offset, position: 0, check: null };
  }

  #newState(): LogState {
    const { offset, segmentBase, position } = this.#end;
    return {
      startOffset: this.#startOffset,
      point: { offset, segmentBase, position },
      epochs: this.#epochs.entries,
      segments: this.#segments.map((segment) => segment.summary()),
      damage: this.#damage,
      relaxed: this.#state?.relaxed ?? false,
    };
  }
}
