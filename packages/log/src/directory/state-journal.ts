import { type Disk, type DiskFile, type Logger, readWhole, replaceFile } from "@ottla/host";
import { isFull } from "../errors.ts";
import { FieldWriter } from "../format/fields.ts";
import { FILE_HEADER_BYTES, fileHeader } from "../format/file-header.ts";
import { frame, type JournalContent, journalFormat, parseJournal } from "./journal-records.ts";
import { encodeRemoved, encodeState, type LogState } from "./log-state.ts";
import type { Mark } from "./mark.ts";
import type { MarkFile } from "./mark-file.ts";
import type { Turn } from "./turn.ts";

/** Superseded records are tolerated up to this much besides twice the live ones. */
const COMPACT_BYTES = 1 << 20;

export interface StateJournalOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly name: string;
  readonly turn: Turn;
  readonly logger: Logger;
  /** Holds how long the journal had been made, under the journal's own name, which no log can have. */
  readonly marks: MarkFile;
  /** Frees the space kept for this moment; false when there is none left. */
  freeReserve(): Promise<boolean>;
}

/** What is known of each log of a directory, in one file: a record for each change, the last one of a log counts. All changes of a turn
 * share one write and one sync, so that a thousand new logs cost no thousand syncs. */
export class StateJournal {
  readonly #options: StateJournalOptions;
  readonly #path: string;
  readonly #live: Map<string, Uint8Array>;
  readonly #states: Map<string, LogState>;
  /** A record that had been made durable did not verify: some log may be older here than it was. */
  readonly damaged: boolean;
  #file: DiskFile | null = null;
  #size: number;
  #queue: Uint8Array[] = [];
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #writing: Promise<void> | null = null;
  /** What is in the file is not known any more: nothing may be written behind it. */
  #failure: Error | null = null;
  readonly #run = (): void => {
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = null));
  };

  private constructor(options: StateJournalOptions, content: JournalContent) {
    this.#options = options;
    this.#path = `${options.directory}/${options.name}`;
    this.#live = content.live;
    this.#states = content.states;
    this.damaged = content.damaged;
    this.#size = content.goodBytes;
  }

  /** @throws NewerFormatError */
  static async open(options: StateJournalOptions): Promise<StateJournal> {
    const path = `${options.directory}/${options.name}`;
    const bytes = await readWhole(options.disk, path);
    const mark = options.marks.get(options.name)?.position ?? 0;
    const content = parseJournal(bytes ?? new Uint8Array(0), path, mark);
    if (content.damaged)
      options.logger.error({ path }, "Log states are damaged; every log of the directory counts as damaged until it is verified");
    const journal = new StateJournal(options, content);
    // Records beyond the mark may be in memory only, and taken for written after a sync that failed: they are written anew.
    if (content.damaged || content.goodBytes !== mark || content.goodBytes !== bytes?.length || journal.#wasteful())
      await journal.#compact();
    return journal;
  }

  get(name: string): LogState | null {
    return this.#states.get(name) ?? null;
  }

  names(): Iterable<string> {
    return this.#states.keys();
  }

  /** Resolves once the state is durable. */
  put(name: string, state: LogState): Promise<void> {
    this.#states.set(name, state);
    const record = frame(encodeState(name, state));
    this.#live.set(name, record);
    return this.#append(record);
  }

  remove(name: string): Promise<void> {
    this.#states.delete(name);
    if (!this.#live.delete(name)) return Promise.resolve();
    return this.#append(frame(encodeRemoved(name)));
  }

  async close(): Promise<void> {
    if (this.#queue.length > 0) this.#run();
    await this.#writing;
    await this.#file?.close();
  }

  #append(record: Uint8Array): Promise<void> {
    this.#queue.push(record);
    this.#options.turn.add(this.#run);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const records = this.#queue;
      const waiting = this.#waiting;
      this.#queue = [];
      this.#waiting = [];
      try {
        if (this.#failure !== null) throw this.#failure;
        if (this.#wasteful()) await this.#compact();
        else await this.#write(records);
        for (const waiter of waiting) waiter.resolve();
      } catch (error) {
        for (const waiter of waiting) waiter.reject(error);
      }
    }
  }

  async #write(records: readonly Uint8Array[]): Promise<void> {
    this.#file ??= await this.#options.disk.open(this.#path, "write");
    try {
      await this.#file.write(records, this.#size);
    } catch (error) {
      // What is written after a failed write must begin where it began.
      await this.#file.truncate(this.#size).catch((cause: unknown) => this.#fail("cut a failed write off", cause));
      if (!isFull(error) || !(await this.#options.freeReserve())) throw error;
      await this.#file.write(records, this.#size);
    }
    await this.#file.sync().catch((error: unknown) => this.#fail("sync", error));
    for (const record of records) this.#size += record.length;
    await this.#options.marks.set(this.#options.name, this.#mark(this.#size));
  }

  #wasteful(): boolean {
    if (this.#size <= COMPACT_BYTES) return false;
    let live = 0;
    for (const record of this.#live.values()) live += record.length;
    return this.#size > 2 * live + COMPACT_BYTES;
  }

  async #compact(): Promise<void> {
    const content = new FieldWriter(this.#size + FILE_HEADER_BYTES).bytes(fileHeader(journalFormat));
    for (const record of this.#live.values()) content.bytes(record);
    const bytes = content.done();
    await this.#file?.close();
    this.#file = null;
    const { disk, directory, name, marks } = this.#options;
    await marks.lower(name, this.#mark(0));
    await replaceFile(disk, directory, name, bytes).catch(async (error: unknown) => {
      // While the new file is still beside it, the old one holds.
      if (isFull(error) && (await disk.exists(`${this.#path}.tmp`))) throw error;
      this.#fail("replace", error);
    });
    this.#size = bytes.length;
    await marks.set(name, this.#mark(this.#size));
  }

  #fail(action: string, cause: unknown): never {
    this.#failure = new Error(`Cannot ${action} ${this.#path}: what it holds is not known until the next start`, { cause });
    throw this.#failure;
  }

  #mark(position: number): Mark {
    return { offset: 0, segmentBase: 0, position, check: null };
  }
}
