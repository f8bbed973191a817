import type { Timer } from "@ottla/host";
import { isOutOfFiles, LogFailedError } from "../errors.ts";
import type { Mark } from "../directory/mark.ts";
import type { Segment } from "../segment/segment.ts";
import type { LogCore } from "./core.ts";
import { openSegment } from "./segment-files.ts";
import { Waiters } from "./waiters.ts";

/** Group commit: one fdatasync in flight, and everybody who comes meanwhile waits for the next. After each the mark is written, then those
 * who wait are told. */
export class Syncer {
  readonly #core: LogCore;
  readonly #onSynced: () => void;
  readonly #durable = new Waiters();
  /** Written to since the last sync began. */
  #unsynced = new Set<Segment>();
  #syncing: ReadonlySet<Segment> = new Set();
  #written: Mark;
  /** Somebody waits for this to be durable. */
  #wantedOffset: number;
  /** What the syncs that have begun cover. */
  #begunOffset: number;
  #running: Promise<void> | null = null;
  #marking = 0;
  #markingDone: Promise<void> = Promise.resolve();
  #interval: Timer | null = null;

  constructor(core: LogCore, onSynced: () => void) {
    this.#core = core;
    this.#onSynced = onSynced;
    this.#written = core.durable;
    this.#wantedOffset = this.#begunOffset = core.durable.offset;
  }

  isSyncing(segment: Segment): boolean {
    return this.#running !== null && this.#syncing.has(segment);
  }

  get busy(): boolean {
    return this.#running !== null || this.#marking > 0;
  }

  /** Up to `end` is with the operating system. */
  written(segment: Segment, end: Mark): void {
    this.#unsynced.add(segment);
    this.#written = end;
    const { flush } = this.#core.settings;
    if (flush.kind === "commit" || this.#wantedOffset > this.#begunOffset) this.sync(end.offset);
    else if (flush.kind === "interval") {
      this.#interval ??= this.#core.shared.clock.after(flush.ms, () => {
        this.#interval = null;
        this.sync(this.#written.offset);
      });
    }
  }

  /** Makes the log durable up to `offset` as soon as that is written: now, or after the sync in flight. */
  sync(offset: number): void {
    if (this.#core.failure !== null) return;
    this.#wantedOffset = Math.max(this.#wantedOffset, offset);
    if (this.#running !== null || this.#unsynced.size === 0) return;
    this.#interval?.cancel();
    this.#interval = null;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      this.#onSynced();
      if (this.#wantedOffset > this.#begunOffset) this.sync(this.#wantedOffset);
    });
  }

  durable(offset: number): Promise<void> {
    if (this.#core.failure !== null) return Promise.reject(this.#core.failure);
    return offset <= this.#core.durable.offset ? Promise.resolve() : this.#durable.wait(offset);
  }

  async idle(): Promise<void> {
    await this.#running;
    await this.#markingDone;
  }

  fail(failure: LogFailedError): void {
    this.#interval?.cancel();
    this.#interval = null;
    this.#wantedOffset = this.#begunOffset;
    this.#durable.fail(failure);
  }

  /** The log was cut or reopened: this is its durable end now. */
  reset(end: Mark): void {
    this.#core.durable = end;
    this.#written = end;
    this.#unsynced.clear();
    this.#wantedOffset = this.#begunOffset = end.offset;
  }

  async #run(): Promise<void> {
    const core = this.#core;
    const segments = this.#unsynced;
    const end = this.#written;
    this.#syncing = segments;
    this.#unsynced = new Set();
    this.#begunOffset = end.offset;
    const syncs: Promise<unknown>[] = Array.from(segments, (segment) => this.#syncFile(segment));
    if (core.namesUnsynced) {
      core.namesUnsynced = false;
      const { disk, files } = core.shared;
      syncs.push(
        files.withRoom(() => disk.syncDirectory(core.path)),
        core.shared.syncNames(),
      );
    }
    // An epoch is durable before the first batch of it counts as durable. When that fails, the log has been told.
    const [outcomes] = await Promise.all([Promise.allSettled(syncs), core.stateSaving?.catch(() => {})]);
    const failures = outcomes.filter((outcome) => outcome.status === "rejected").map(({ reason }): unknown => reason);
    if (failures.length > 0) return this.#failed(failures.find((error) => !isOutOfFiles(error)) ?? failures[0]);
    if (core.failure === null) this.#mark(end);
  }

  async #syncFile(segment: Segment): Promise<void> {
    const { files } = this.#core.shared;
    const open = await openSegment(this.#core, segment);
    try {
      open.unsynced = false;
      await open.file.sync();
    } finally {
      files.release(open);
    }
  }

  #mark(end: Mark): void {
    const core = this.#core;
    this.#marking++;
    this.#markingDone = core.shared.marks.set(core.name, end).then(
      () => {
        this.#marking--;
        if (core.failure === null) this.#advance(end);
      },
      (error: unknown) => {
        this.#marking--;
        this.#fatal(`Cannot write the mark of log ${core.name} in ${core.shared.path}`, error);
      },
    );
  }

  #advance(end: Mark): void {
    const core = this.#core;
    const newSegment = end.segmentBase !== core.durable.segmentBase;
    core.durable = end;
    if (core.relaxed && core.settings.flush.kind === "commit" && end.offset >= core.relaxedUntil) core.endRelaxed();
    // Recovery need not look again at a segment that is full and durable.
    if (newSegment) void core.saveState().catch(() => undefined);
    this.#durable.advance(end.offset);
    core.changed();
  }

  #failed(error: unknown): void {
    const { path } = this.#core;
    if (!isOutOfFiles(error)) return this.#fatal(`Cannot sync ${path}`, error);
    const text = `Cannot open ${path} to sync it: this process has no file descriptors left; raise its limit (ulimit -n) or lower log.open.files.max. The log takes no appends until it is recovered; what it holds can be read`;
    this.#core.fail(new LogFailedError(text, "EMFILE", error));
  }

  #fatal(what: string, error: unknown): void {
    const failure = new LogFailedError(
      `${what}: a failed sync cannot be repeated, because what it lost is unknown. Restart the node; recovery keeps what was acknowledged`,
      "SYNC",
      error,
    );
    this.#core.fail(failure);
    this.#core.shared.fatal(failure);
  }
}
