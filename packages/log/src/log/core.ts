import { CachedLog } from "../directory/batch-cache.ts";
import type { LogState } from "../directory/log-state.ts";
import type { Mark } from "../directory/mark.ts";
import type { Shared } from "../directory/shared.ts";
import { assert } from "../assert.ts";
import { isFull, LogFailedError } from "../errors.ts";
import { Segment, segmentName } from "../segment/segment.ts";
import { SegmentIndex } from "../segment/segment-index.ts";
import type { LogSettings } from "../settings.ts";
import { clipDamage, type DamageRange } from "./damage.ts";
import type { EpochCache } from "./epoch-cache.ts";

export interface Recovery {
  /** Cut off because they did not verify, beyond what had been made durable. */
  readonly tornBytes: number;
  /** Something that had been made durable did not verify: this replica may have lost acknowledged records. */
  readonly damaged: boolean;
  readonly scannedBatches: number;
}

/** What a log is made of when it is opened. */
export interface LogContent {
  readonly segments: Segment[];
  readonly startOffset: number;
  readonly durable: Mark;
  readonly epochs: EpochCache;
  readonly damage: DamageRange[];
  readonly relaxed: boolean;
  readonly recovery: Recovery;
}

/** The state of one log, shared by its writer, its readers and what cuts it. */
export class LogCore {
  readonly name: string;
  readonly path: string;
  readonly shared: Shared;
  readonly recovery: Recovery;
  settings: LogSettings;
  /** In order of base offset, never empty; the last one takes the appends. */
  segments: Segment[];
  epochs: EpochCache;
  damage: DamageRange[];
  startOffset: number;
  /** The part of it that no power failure takes back. */
  durableStart: number;
  /** It is noted, durably, that records may have been taken for safe here that were not synced: under a flush policy other than `commit`.
   * It outlives the policy until all of them are synced, and a start that finds it after anything but an orderly stop tells so. */
  relaxed: boolean;
  /** Under `commit` again: synced up to here, nothing is left of the time before. */
  relaxedUntil = 0;
  writtenOffset: number;
  durable: Mark;
  failure: LogFailedError | null = null;
  /** Counts the cuts: a reader that saw one come between starts again. */
  version = 0;
  readonly cached = new CachedLog();
  /** The newest record in the state journal that is not known to be durable. */
  stateSaving: Promise<void> | null = null;
  /** Names in the log's own directory, or the directory itself, may not survive a power failure yet. */
  namesUnsynced = false;
  /** Whether the log has a directory. */
  onDisk: boolean;
  /** It had no directory when it was opened: no file can be there before it is made. */
  readonly isNew: boolean;
  closed = false;
  /** Nothing may be appended until the cut is made. */
  cutting = false;
  /** Shuts the log to appends. Set by its writer. */
  fail: (failure: LogFailedError) => void = (failure) => {
    this.failure ??= failure;
  };
  readonly #onProgress: () => void;
  readonly #background = new Set<Promise<void>>();
  #progressDue = false;
  #turns: Promise<void> = Promise.resolve();
  #savedPoint = -1;
  #relaxing = false;

  constructor(name: string, shared: Shared, settings: LogSettings, content: LogContent, onDisk: boolean, onProgress: () => void) {
    this.name = name;
    this.path = `${shared.path}/${name}`;
    this.shared = shared;
    this.settings = settings;
    this.onDisk = onDisk;
    this.isNew = !onDisk;
    this.segments = content.segments;
    this.startOffset = this.durableStart = content.startOffset;
    this.relaxed = content.relaxed;
    this.relaxedUntil = this.endOffset;
    this.epochs = content.epochs;
    this.damage = content.damage;
    this.recovery = content.recovery;
    this.durable = content.durable;
    this.writtenOffset = this.endOffset;
    this.cached.writtenOffset = this.writtenOffset;
    this.#onProgress = onProgress;
  }

  get active(): Segment {
    const last = this.segments.at(-1);
    assert(last !== undefined, `log ${this.name} has no segment`);
    return last;
  }

  get endOffset(): number {
    return this.active.endOffset;
  }

  filePath(segment: Segment): string {
    return `${this.path}/${segmentName(segment.base)}`;
  }

  /** The segment that holds the offset, or after which it falls into a gap. */
  segmentAt(offset: number): Segment {
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.segments[middle]?.base ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const segment = this.segments[low];
    assert(segment !== undefined, `log ${this.name} has no segment ${low} for offset ${offset}`);
    return segment;
  }

  /** A new segment for what is appended next; its file comes with the first write. */
  beginSegment(): Segment {
    const segment = new Segment(this.endOffset);
    segment.index = new SegmentIndex(0, this.settings.indexIntervalBytes);
    this.segments.push(segment);
    return segment;
  }

  /** Puts what is known of the log into the state journal; resolves once that is durable. */
  saveState(): Promise<void> {
    const state: LogState = {
      startOffset: this.startOffset,
      point: { offset: this.durable.offset, segmentBase: this.durable.segmentBase, position: this.durable.position },
      epochs: this.epochs.entries,
      segments: this.segments.map((segment) => segment.summary()),
      damage: this.damage,
      relaxed: this.relaxed || this.#relaxing,
    };
    this.#savedPoint = this.durable.offset;
    const saving = this.shared.states.put(this.name, state);
    this.stateSaving = saving;
    saving.then(
      () => {
        if (this.stateSaving === saving) this.stateSaving = null;
      },
      (error: unknown) => {
        const what = `Cannot save the state of log ${this.name} in ${this.shared.path}`;
        if (isFull(error))
          return this.fail(new LogFailedError(`${what}: the disk is full; free some space and appends resume`, "ENOSPC", error));
        this.fail(
          new LogFailedError(`${what}, which cannot be repeated. Restart the node; recovery keeps what was acknowledged`, "SYNC", error),
        );
        this.shared.fatal(new Error(what, { cause: error }));
      },
    );
    return saving;
  }

  /** Whether recovery would begin further back than it had to. */
  get pointBehind(): boolean {
    return this.#savedPoint !== this.durable.offset;
  }

  /** Something was appended that is not synced before it counts. */
  noteRelaxed(): void {
    if (this.relaxed || this.#relaxing) return;
    this.#relaxing = true;
    this.saveState().then(
      () => {
        this.relaxed = true;
        this.changed();
      },
      // A log whose state cannot be saved has failed.
      () => (this.#relaxing = false),
    );
  }

  /** All is synced that was appended while a weaker flush policy was in force. */
  endRelaxed(): void {
    this.relaxed = this.#relaxing = false;
    void this.saveState().catch(() => undefined);
  }

  /** What was found is remembered, served no more, and told. */
  noteDamage(damage: DamageRange[]): void {
    this.damage = clipDamage(damage, this.startOffset, this.endOffset);
    this.version++;
    void this.saveState().catch(() => undefined);
    this.changed();
  }

  /** Tells the owner, at most once a turn. */
  changed(): void {
    if (this.#progressDue) return;
    this.#progressDue = true;
    queueMicrotask(() => {
      this.#progressDue = false;
      this.#onProgress();
    });
  }

  /** One cut, roll or retention at a time. */
  exclusive<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#turns.then(job);
    this.#turns = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Work that nobody waits for but `settled`. A failure is only told: it concerns what can be made again. */
  inBackground(what: string, job: Promise<void>): void {
    const guarded = job
      .catch((error: unknown) => this.shared.logger.warn({ err: error, log: this.name }, `Cannot ${what}`))
      .finally(() => this.#background.delete(guarded));
    this.#background.add(guarded);
  }

  async settled(): Promise<void> {
    await this.#turns;
    while (this.#background.size > 0) await Promise.all(this.#background);
  }
}
