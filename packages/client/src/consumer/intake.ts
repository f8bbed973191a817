import { deadline } from "@ottla/host";
import { ProtocolError, type Uuid } from "@ottla/protocol";
import type { Cluster } from "../connection/cluster.ts";
import { LATEST } from "../connection/list-offsets.ts";
import type { TopicInfo } from "../connection/topics.ts";
import { ConsumeError, messageOf } from "../errors.ts";
import type { SeekTarget, TopicPartition } from "./api.ts";
import type { Commits } from "./commits.ts";
import { decodeNext } from "./decode.ts";
import { Fetcher } from "./fetcher.ts";
import { locate, offsetsAt, reset, type Placing } from "./locate.ts";
import { Partition, type Cursor } from "./partition.ts";
import type { ConsumerSettings, Wanted } from "./settings.ts";

export interface IntakeOptions {
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  readonly commits: Commits | null;
  /** Aborts at close. */
  readonly signal: AbortSignal;
}

/** From `assign` to records at hand: finds the partitions and where to begin, keeps them fetched, serves them in turn. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #fetcher: Fetcher;
  readonly #partitions: Partition[] = [];
  readonly #topics = new Map<string, { wanted: readonly Wanted[]; id: Uuid }>();
  readonly #endings: (() => void)[] = [];
  /** With something to hand out, in turn. */
  readonly #ready = new Set<Partition>();
  readonly #pausedAtStart: { chosen: readonly TopicPartition[] | undefined; paused: boolean }[] = [];
  #started: Promise<void> | null = null;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(options: IntakeOptions) {
    this.#options = options;
    const { cluster, settings, signal } = options;
    this.#fetcher = new Fetcher({
      cluster,
      settings,
      arrived: (partition) => this.#arrived(partition),
      outOfRange: (partition) => void this.#reset(partition),
      failed: (partition, error) => this.#fail(partition, error),
    });
    signal.addEventListener("abort", () => this.#close(), { once: true });
  }

  get partitions(): readonly Partition[] {
    return this.#partitions;
  }

  /** @throws ConsumeError when a topic or partition is not there; ProtocolError when no broker can be reached */
  start(): Promise<void> {
    this.#started ??= this.#start();
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
    if (!this.#options.signal.aborted) await this.start();
    for (;;) {
      if (this.#options.signal.aborted || signal?.aborted) return null;
      const partition = this.#pick();
      if (partition !== undefined) {
        const cursor = await this.#cursor(partition);
        if (cursor !== null) return cursor;
        continue;
      }
      const failure = this.#failure ?? this.#partitions.find((each) => each.failure !== null)?.failure;
      if (failure != null) throw failure;
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
    for (const [partition, offset] of await locate(
      this.#options.cluster,
      placings,
      this.#options.settings.isolation,
      this.#options.signal,
    )) {
      if (partition.generation === generations.get(partition)) this.#fetcher.freed(partition.seek(offset)); // else another seek came later
    }
    this.#wake();
  }

  async #start(): Promise<void> {
    const { cluster, settings, signal } = this.#options;
    const limit = deadline(cluster.host.clock, cluster.requestTimeoutMs, "Finding the assigned topics", signal);
    try {
      const names = [...new Set(settings.wanted.map(({ name }) => name))];
      for (const name of names) this.#endings.push(cluster.metadata.watch(name, false));
      const topics = await Promise.all(names.map((name) => this.#resolve(name, limit.signal)));
      const found: Placing[] = [];
      for (const info of topics) {
        const wanted = settings.wanted.filter(({ name }) => name === info.name);
        this.#topics.set(info.name, { wanted, id: info.id });
        for (const each of wanted) found.push(...this.#select(info, each));
      }
      await this.#place(found);
      if (settings.untilEnd) {
        const ends = await offsetsAt(
          cluster,
          found.map(({ partition }) => ({ partition, timestamp: LATEST })),
          settings.isolation,
          signal,
        );
        for (const [partition, end] of ends) partition.endOffset = end;
      }
      this.#partitions.push(...found.map(({ partition }) => partition));
      for (const { chosen, paused } of this.#pausedAtStart) this.pause(chosen, paused);
      this.#endings.push(cluster.metadata.onChange(() => this.#metadataChanged()));
      this.#fetcher.add(this.#partitions);
    } catch (error) {
      throw limit.signal.aborted && !signal.aborted ? this.#unreachable(error) : error;
    } finally {
      limit.cancel();
    }
  }

  async #resolve(name: string, signal: AbortSignal): Promise<TopicInfo> {
    try {
      return await this.#options.cluster.metadata.resolve(name, signal);
    } catch (cause) {
      if (cause instanceof ProtocolError)
        throw new ConsumeError(cause.error, name, null, `Cannot consume "${name}": ${cause.message}`, cause);
      throw cause;
    }
  }

  #unreachable(cause: unknown): Error {
    const { metadata, requestTimeoutMs, trouble } = this.#options.cluster;
    const why = trouble ?? (metadata.failure === null ? messageOf(cause) : messageOf(metadata.failure));
    const [first] = this.#options.settings.wanted;
    return new ConsumeError(
      "REQUEST_TIMED_OUT",
      first?.name ?? "",
      null,
      `Cannot start to consume within ${requestTimeoutMs} ms (requestTimeoutMs): ${why}`,
      cause,
    );
  }

  #select(info: TopicInfo, { name, codecs, partition, start }: Wanted): Placing[] {
    const { offsetReset } = this.#options.settings;
    const all = info.partitions.map((each) => each.partition).filter((each) => partition === null || each === partition);
    if (partition !== null && all.length === 0)
      throw new ConsumeError(
        "UNKNOWN_TOPIC_OR_PARTITION",
        name,
        partition,
        `Cannot consume ${name}-${partition}: the topic has partitions 0 to ${info.partitions.length - 1}`,
      );
    return all.map((each) => ({
      partition: new Partition(info, each, codecs),
      target: start ?? (offsetReset === "earliest" ? "beginning" : "end"),
      explicit: start !== null,
    }));
  }

  /** An offset that was asked for, else the group's, else where `offsetReset` says. */
  async #place(placings: readonly (Placing & { readonly explicit?: boolean })[]): Promise<void> {
    const { cluster, settings, commits, signal } = this.#options;
    const unsaid = placings.filter(({ explicit }) => explicit === false).map(({ partition }) => partition);
    const committed = commits === null || unsaid.length === 0 ? new Map<Partition, number>() : await commits.load(unsaid, { signal });
    const targets = placings.map(({ partition, target, explicit }): Placing => {
      const offset = committed.get(partition);
      if (offset !== undefined) return { partition, target: offset };
      if (explicit === false && settings.offsetReset === "none")
        throw new ConsumeError(
          "OFFSET_OUT_OF_RANGE",
          partition.topic.name,
          partition.partition,
          `Cannot consume ${partition.label}: ${settings.group === null ? "no offset is given" : `group "${settings.group}" has no committed offset`} and offsetReset is none; give an offset in assign, or set offsetReset to earliest or latest`,
        );
      return { partition, target };
    });
    for (const [partition, offset] of await locate(cluster, targets, settings.isolation, signal)) partition.seek(offset);
    for (const [partition, offset] of committed) partition.committed = offset;
  }

  #metadataChanged(): void {
    const { cluster, settings } = this.#options;
    for (const [name, { wanted, id }] of this.#topics) {
      const verdict = cluster.metadata.verdict(name);
      const info = cluster.metadata.topic(name);
      if (verdict !== null)
        this.#failure = new ConsumeError(verdict.error, name, null, `Cannot go on consuming "${name}": ${verdict.message}`, verdict);
      else if (info !== undefined && info.id !== id)
        this.#failure = new ConsumeError(
          "UNKNOWN_TOPIC_ID",
          name,
          null,
          `Cannot go on consuming "${name}": it was deleted and created again; make another consumer for the new one`,
        );
      else if (info !== undefined && !settings.untilEnd) void this.#addNew(info, wanted);
    }
    if (this.#failure !== null) this.#wake();
    this.#fetcher.moved();
  }

  /** Partitions that were added to a topic are consumed from their beginning: nothing in them is missed. */
  async #addNew(info: TopicInfo, wanted: readonly Wanted[]): Promise<void> {
    const whole = wanted.find(({ partition }) => partition === null);
    const added =
      whole === undefined
        ? []
        : info.partitions
            .slice(this.#partitions.filter(({ topic }) => topic.name === info.name).length)
            .map(({ partition }) => new Partition(info, partition, whole.codecs));
    if (added.length === 0) return;
    this.#partitions.push(...added);
    try {
      await this.#place(
        added.map((partition): Placing & { explicit: boolean } => ({
          partition,
          target: "beginning" satisfies SeekTarget,
          explicit: false,
        })),
      );
      this.#fetcher.add(added);
    } catch (error) {
      for (const partition of added)
        this.#fail(
          partition,
          error instanceof ConsumeError
            ? error
            : new ConsumeError("REQUEST_TIMED_OUT", info.name, partition.partition, messageOf(error), error),
        );
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
      this.#fail(
        partition,
        error instanceof ConsumeError
          ? error
          : new ConsumeError("OFFSET_OUT_OF_RANGE", partition.topic.name, partition.partition, messageOf(error), error),
      );
    }
  }

  #fail(partition: Partition, error: ConsumeError): void {
    partition.located = false;
    partition.failure = error;
    this.#wake();
  }

  #arrived(partition: Partition): void {
    if (partition.ready) this.#ready.add(partition);
    this.#wake();
  }

  #pick(): Partition | undefined {
    for (const partition of this.#ready) {
      this.#ready.delete(partition);
      if (partition.ready) return partition;
    }
    return undefined;
  }

  async #cursor(partition: Partition): Promise<Cursor | null> {
    const { held } = partition;
    if (held !== null) {
      partition.held = null;
      if (partition.ready) this.#ready.add(partition);
      return held;
    }
    try {
      const { cursor, bytes } = await decodeNext(partition, this.#options.cluster.host.codecs);
      this.#fetcher.freed(bytes);
      if (cursor.generation !== partition.generation) return null;
      if (cursor.records.length > 0) return cursor;
      partition.skipTo(cursor.nextOffset);
      return null;
    } finally {
      if (partition.ready) this.#ready.add(partition);
    }
  }

  #close(): void {
    this.#fetcher.close();
    for (const end of this.#endings) end();
    this.#wake();
  }
}
