import type { ErrorName } from "@ottla/protocol";
import { ConsumeError, messageOf } from "../errors.ts";
import type { TopicPartition } from "./api.ts";
import { AssignedTopics } from "./assigned-topics.ts";
import { findAssigned, placeAdded, type AssignmentOptions } from "./assignment.ts";
import { Fetcher } from "./fetcher.ts";
import { locate, reset, type Placing } from "./locate.ts";
import type { Cursor, Partition } from "./partition.ts";
import { Turns } from "./turns.ts";

/** From `assign` to records at hand: finds the partitions and where to begin, keeps them fetched, serves them in turn. */
export class Intake {
  readonly #options: AssignmentOptions;
  readonly #fetcher: Fetcher;
  readonly #partitions: Partition[] = [];
  readonly #topics: AssignedTopics;
  readonly #turns: Turns;
  readonly #pausedAtStart: { chosen: readonly TopicPartition[] | undefined; paused: boolean }[] = [];
  #started: Promise<void> | null = null;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(options: AssignmentOptions) {
    this.#options = options;
    const { cluster, settings, signal } = options;
    this.#topics = new AssignedTopics(cluster, settings.wanted);
    this.#fetcher = new Fetcher({
      cluster,
      settings,
      arrived: (partition) => {
        this.#turns.arrived(partition);
        // Frames leave at the end of a turn, and a reader may take a whole turn: what is to be fetched next goes first.
        cluster.host.clock.soon(() => this.#wake());
      },
      outOfRange: (partition) => void this.#reset(partition),
      failed: (partition, error) => this.#fail(partition, error),
    });
    this.#turns = new Turns(cluster.host.codecs, (bytes) => this.#fetcher.freed(bytes));
    signal.addEventListener("abort", () => this.#close(), { once: true });
  }

  get partitions(): readonly Partition[] {
    return this.#partitions;
  }

  /** @throws ConsumeError when a topic or partition is not there; ProtocolError when no broker can be reached */
  start(): Promise<void> {
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = null; // the next call tries again
      throw error;
    });
    return this.#started;
  }

  find({ topic, partition }: TopicPartition): Partition {
    const found = this.#partitions.find((each) => each.topic.name === topic && each.partition === partition);
    if (found === undefined)
      throw new ConsumeError(
        "UNKNOWN_TOPIC_OR_PARTITION",
        topic,
        partition,
        `${topic}-${partition} is not assigned to this consumer: it has ${this.#partitions.map(({ label }) => label).join(", ")}`,
      );
    return found;
  }

  /** What comes next, from the partitions in turn; null at the end, or when the signal has aborted (see {@link nudge}).
   * @throws ConsumeError when a partition cannot go on: `seek` may help */
  async next(signal?: AbortSignal): Promise<Cursor | null> {
    try {
      if (!this.#options.signal.aborted) await this.start();
    } catch (error) {
      if (!this.#options.signal.aborted) throw error;
    }
    for (;;) {
      if (this.#options.signal.aborted || signal?.aborted) return null;
      const turn = this.#turns.next();
      if (turn !== null) {
        const cursor = await turn;
        if (cursor !== "obsolete") return cursor;
        continue;
      }
      if (this.#failure !== null) throw this.#failure;
      if (this.#partitions.every((each) => each.finished)) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  giveBack(cursor: Cursor): void {
    const { partition } = cursor;
    if (cursor.generation !== partition.generation || cursor.index >= cursor.records.length) return;
    partition.held = cursor;
    this.#arrived(partition);
  }

  /** Makes a waiting {@link next} look at its signal. */
  nudge(): void {
    this.#wake();
  }

  /** Of all partitions unless told; before the start it is kept for it. */
  pause(chosen: readonly TopicPartition[] | undefined, paused: boolean): void {
    if (this.#partitions.length === 0) {
      this.#pausedAtStart.push({ chosen, paused });
      return;
    }
    for (const partition of chosen?.map((each) => this.find(each)) ?? this.#partitions) {
      partition.paused = paused;
      if (!paused) this.#arrived(partition);
    }
    this.#fetcher.schedule();
  }

  /** @throws ConsumeError */
  async seek(placings: readonly Placing[]): Promise<void> {
    for (const { partition } of placings) this.#fetcher.freed(partition.unlocate());
    const generations = new Map(placings.map(({ partition }) => [partition, partition.generation]));
    const { cluster, settings, signal } = this.#options;
    for (const [partition, offset] of await locate(cluster, placings, settings.isolation, signal)) {
      if (partition.generation === generations.get(partition)) this.#fetcher.freed(partition.seek(offset)); // else another seek came later
    }
    this.#wake();
  }

  async #start(): Promise<void> {
    this.#topics.watch();
    try {
      const { topics, partitions } = await findAssigned(this.#options);
      this.#options.signal.throwIfAborted();
      this.#partitions.push(...partitions);
      for (const { chosen, paused } of this.#pausedAtStart) this.pause(chosen, paused);
      this.#topics.found(topics, () => this.#metadataChanged());
    } catch (error) {
      this.#partitions.length = 0;
      this.#topics.end();
      throw error;
    }
    this.#fetcher.add(this.#partitions);
  }

  #metadataChanged(): void {
    this.#failure ??= this.#topics.lost();
    if (this.#failure !== null) this.#wake();
    else if (!this.#options.settings.untilEnd) for (const added of this.#topics.added(this.#partitions)) void this.#add(added);
    this.#fetcher.moved();
  }

  async #add(added: readonly Partition[]): Promise<void> {
    this.#partitions.push(...added);
    try {
      await placeAdded(this.#options, added);
      this.#fetcher.add(added);
    } catch (error) {
      for (const partition of added) this.#failedWith(partition, "REQUEST_TIMED_OUT", error);
    }
  }

  async #reset(partition: Partition): Promise<void> {
    const { cluster, settings, signal } = this.#options;
    const { generation } = partition;
    partition.located = false;
    try {
      const offset = await reset(cluster, partition, settings.offsetReset, settings.isolation, signal);
      if (partition.generation === generation) this.#fetcher.freed(partition.reset(offset));
      this.#wake();
    } catch (error) {
      if (signal.aborted || partition.generation !== generation) return;
      this.#failedWith(partition, "OFFSET_OUT_OF_RANGE", error);
    }
  }

  #failedWith(partition: Partition, kind: ErrorName, error: unknown): void {
    const { topic, partition: number } = partition;
    this.#fail(partition, error instanceof ConsumeError ? error : new ConsumeError(kind, topic.name, number, messageOf(error), error));
  }

  #fail(partition: Partition, error: ConsumeError): void {
    partition.located = false;
    partition.failure = error;
    this.#turns.failed(partition);
    this.#wake();
  }

  #arrived(partition: Partition): void {
    this.#turns.arrived(partition);
    this.#wake();
  }

  #close(): void {
    this.#fetcher.close();
    this.#topics.end();
    this.#wake();
  }
}
