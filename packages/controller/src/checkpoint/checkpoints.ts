import { join } from "node:path";
import type { Host, Logger } from "@ottla/host";
import type { FactKey } from "../state/fact.ts";
import type { Change, State } from "../state/state.ts";
import { CheckpointDirectory, type Committed } from "./directory.ts";
import { OtherFormatError } from "./header.ts";

/** Of one batch; when more has changed the whole is written anew, piece by piece. */
const MAX_UPDATE_KEYS = 25_000;

interface Half {
  readonly directory: CheckpointDirectory;
  /** Null until it verified or was written in this process: then its content is known to be the state after this entry. */
  appliedIndex: number | null;
  /** Changed since then. */
  changed: Set<FactKey>;
}

export interface Restored {
  readonly directory: string;
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  /** It came from the leader, and the log may have to begin anew after it. */
  readonly installed: boolean;
  readonly state: State;
}

/** What a writer of checkpoints takes from the state, all at one moment. */
export interface CommittedSource {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly digest: Uint8Array;
  readonly all: () => Committed["facts"];
  readonly some: (keys: Iterable<FactKey>) => Committed["facts"];
}

/** Two checkpoints of the committed state, written in turn, each with the keys that changed since its own last one: if one is damaged, the other
 * and the log give the same state. */
export class Checkpoints {
  readonly #logger: Logger;
  readonly #halves: readonly [Half, Half];
  readonly #everyChanges: number;
  #changesSince = 0;
  #writing: Promise<void> | null = null;
  /** Directories that could not be used at the start, and why. */
  readonly damaged: { readonly directory: string; readonly reason: string }[] = [];

  constructor(host: Host, directory: string, everyChanges: number, logger: Logger) {
    this.#logger = logger;
    this.#everyChanges = everyChanges;
    const half = (name: string): Half => ({
      directory: new CheckpointDirectory(host, join(directory, name)),
      appliedIndex: null,
      changed: new Set(),
    });
    this.#halves = [half("checkpoint-a"), half("checkpoint-b")];
  }

  get paths(): readonly string[] {
    return this.#halves.map(({ directory }) => directory.path);
  }

  /** The newest checkpoint that verifies. The other one is not looked at further: it is written anew before it counts.
   * @param distrusted a directory that is not to be used
   * @throws Error for a checkpoint of another format */
  async restore(distrusted: string | null): Promise<Restored | null> {
    const present: { half: Half; appliedIndex: number }[] = [];
    for (const half of this.#halves) {
      if (!(await half.directory.exists())) continue;
      if (half.directory.path === distrusted) this.#reject(distrusted, "the state it led to does not match the controller's log");
      else await this.#attempt(half, async () => present.push({ half, appliedIndex: (await half.directory.header()).appliedIndex }));
    }
    present.sort((one, other) => other.appliedIndex - one.appliedIndex);
    for (const { half } of present) {
      const loaded = await this.#attempt(half, () => half.directory.load());
      if (!loaded) continue;
      half.appliedIndex = loaded.appliedIndex;
      const { appliedIndex, appliedTerm, installed, state } = loaded;
      return { directory: half.directory.path, appliedIndex, appliedTerm, installed, state };
    }
    return null;
  }

  /** Of committed entries, in order. */
  committed(changes: readonly Change[]): void {
    for (const { key } of changes) {
      for (const half of this.#halves) if (half.appliedIndex !== null) half.changed.add(key);
    }
    this.#changesSince += changes.length;
  }

  get due(): boolean {
    return this.#changesSince >= this.#everyChanges && !this.#writing;
  }

  /** Writes the older of the two.
   * @returns the index up to which both hold everything; the log may lose what lies before, and nothing else */
  async write(source: CommittedSource): Promise<number> {
    const [a, b] = this.#halves;
    const half = (a.appliedIndex ?? -1) <= (b.appliedIndex ?? -1) ? a : b;
    const { appliedIndex, appliedTerm, digest } = source;
    const update = half.appliedIndex !== null && half.changed.size <= MAX_UPDATE_KEYS;
    const committed = { appliedIndex, appliedTerm, digest, installed: false, facts: update ? source.some(half.changed) : source.all() };
    half.changed = new Set();
    half.appliedIndex = appliedIndex;
    this.#changesSince = 0;
    this.#writing = update ? half.directory.update(committed) : half.directory.rewrite(committed);
    try {
      await this.#writing;
    } finally {
      this.#writing = null;
    }
    this.#logger.debug(
      { directory: half.directory.path, appliedIndex, keys: committed.facts.length, whole: !update },
      "controller checkpoint written",
    );
    return Math.min(a.appliedIndex ?? 0, b.appliedIndex ?? 0);
  }

  /** Puts a state that came from the leader, whole and verified, in the place of the older of the two. Nothing is written to either meanwhile. */
  async install(received: CheckpointDirectory): Promise<void> {
    const [a, b] = await Promise.all(
      this.#halves.map(async ({ directory }) => {
        const header = await directory.header().catch(() => null);
        return { directory, appliedIndex: header?.appliedIndex ?? -1 };
      }),
    );
    if (a === undefined || b === undefined) throw new Error("there are two checkpoints");
    const older = a.appliedIndex <= b.appliedIndex ? a : b;
    await older.directory.replaceBy(received);
    await this.close();
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => {});
    for (const { directory } of this.#halves) await directory.close();
  }

  async #attempt<T>({ directory: { path } }: Half, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof OtherFormatError) throw new Error(`Cannot use the checkpoint ${path}: ${error.message}`, { cause: error });
      this.#reject(path, error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  #reject(directory: string, reason: string): void {
    this.damaged.push({ directory, reason });
    this.#logger.warn(
      { directory, reason },
      "a controller checkpoint cannot be used; the other one and the log stand in, and it is written anew",
    );
  }
}
