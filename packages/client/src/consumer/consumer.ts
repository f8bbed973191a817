import { deadline } from "@ottla/host";
import type { Cluster } from "../connection/cluster.ts";
import { ClosedError, messageOf, OptionError } from "../errors.ts";
import type { ConsumerBatch, ConsumerOptions, RunOptions, SeekTarget, TopicPartition, TopicPartitionOffset } from "./api.ts";
import { Commits, type OffsetToStore } from "./commits.ts";
import { Intake } from "./intake.ts";
import { Reader } from "./reader.ts";
import { checkTarget, consumerSettings, type ConsumerSettings } from "./settings.ts";

const CLOSE_COMMIT_MS = 5_000;

/** Reads records of assigned partitions. Made by {@link Ottla.consumer}.
 *
 * One reader at a time: `for await (const record of consumer)`, `for await (const batch of consumer.batches())` or `run`. It waits for new
 * records until `close`, unless `until` or `count` say otherwise, and outlives brokers that are gone for a while. Leaving a loop
 * does not close the consumer: the next reader goes on after the last record handed out. */
export class Consumer<R> implements AsyncDisposable, AsyncIterable<R> {
  readonly #cluster: Cluster;
  readonly #settings: ConsumerSettings;
  readonly #commits: Commits | null;
  readonly #intake: Intake;
  readonly #reader: Reader<R>;
  readonly #closing = new AbortController();
  readonly #onClosed: () => void;
  #closed: Promise<void> | null = null;

  /** @internal */
  constructor(cluster: Cluster, options: ConsumerOptions, onClosed: (consumer: Consumer<R>) => void) {
    this.#cluster = cluster;
    this.#settings = consumerSettings(options);
    this.#commits = this.#settings.group === null ? null : new Commits(cluster, this.#settings.group);
    this.#intake = new Intake({ cluster, settings: this.#settings, commits: this.#commits, signal: this.#closing.signal });
    this.#reader = new Reader(this.#intake, this.#settings.count, this.#closing.signal);
    const { signal } = options;
    const onAbort = (): void => void this.close();
    this.#onClosed = () => {
      signal?.removeEventListener("abort", onAbort);
      onClosed(this);
    };
    if (this.#settings.autoCommit) this.#commits?.every(this.#settings.autoCommitIntervalMs, () => this.#commitProcessed());
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  }

  /** Record by record. Asking for the next one says that the last one is processed.
   * @throws ConsumeError, RecordDecodeError: `seek` past the trouble and read on */
  [Symbol.asyncIterator](): AsyncIterator<R> {
    return this.#reader.records();
  }

  /** Many records at a time, all of one partition: the fast way. */
  batches(): AsyncIterable<ConsumerBatch<R>> {
    return { [Symbol.asyncIterator]: () => this.#reader.batches() };
  }

  /** Calls back for each record or batch, one at a time. Resolves at the end, or after `signal` once the running callback is done.
   * A callback that throws ends it with that error; its record counts as not handed out. */
  run(options: RunOptions<R>): Promise<void> {
    return this.#reader.run(options);
  }

  async assignment(): Promise<TopicPartition[]> {
    await this.#intake.start();
    return this.#intake.partitions.map(({ topic, partition }) => ({ topic: topic.name, partition }));
  }

  /** The offset of the next record to be handed out. */
  async position(partition: TopicPartition): Promise<number> {
    await this.#intake.start();
    return this.#intake.find(partition).position;
  }

  /** What the group has committed for the assigned partitions; those without are left out. */
  async committed(): Promise<TopicPartitionOffset[]> {
    const commits = this.#group("read committed offsets");
    await this.#intake.start();
    const offsets = await commits.load(this.#intake.partitions);
    return [...offsets].map(([{ topic, partition }, offset]) => ({ topic: topic.name, partition, offset }));
  }

  /** Commits the given offsets (each the next to read), or everything handed out so far, the record at hand included.
   * @throws OptionError for an offset beyond what was handed out; AdminError naming each offset that was refused */
  async commit(offsets?: readonly TopicPartitionOffset[]): Promise<void> {
    const commits = this.#group("commit");
    await this.#intake.start();
    const chosen = offsets?.map(({ topic, partition, offset }): OffsetToStore => {
      const found = this.#intake.find({ topic, partition });
      if (Number.isSafeInteger(offset) && offset >= 0 && offset <= found.position) return { partition: found, offset };
      throw new OptionError(
        "offset",
        `Cannot commit offset ${offset} of ${found.label}: records up to ${found.position} (exclusive) have been handed out`,
      );
    });
    const offsetsToStore =
      chosen ?? this.#intake.partitions.flatMap((partition) => (partition.position < 0 ? [] : { partition, offset: partition.position }));
    await commits.store(offsetsToStore);
    // Whoever commits says that these are processed: an automatic commit must not go back behind them.
    for (const { partition, offset } of offsetsToStore) partition.processed = Math.max(partition.processed, offset);
  }

  /** Hands out nothing of these partitions (all by default) until {@link resume}. Those that are not assigned are an error. */
  pause(partitions?: readonly TopicPartition[]): void {
    this.#intake.pause(partitions, true);
  }

  resume(partitions?: readonly TopicPartition[]): void {
    this.#intake.pause(partitions, false);
  }

  /** The next record of the partition will be that at the target. */
  async seek(partition: TopicPartition, target: SeekTarget): Promise<void> {
    checkTarget(target);
    await this.#intake.start();
    await this.#intake.seek([{ partition: this.#intake.find(partition), target }]);
  }

  /** {@link seek} for every assigned partition. */
  async seekAll(target: SeekTarget): Promise<void> {
    checkTarget(target);
    await this.#intake.start();
    await this.#intake.seek(this.#intake.partitions.map((partition) => ({ partition, target })));
  }

  /** Ends the reader, commits what is processed (with `autoCommit`) and leaves nothing running. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#commits?.stop();
    this.#closing.abort(new ClosedError("go on consuming", "this consumer"));
    if (this.#settings.autoCommit) {
      const limit = deadline(this.#cluster.host.clock, CLOSE_COMMIT_MS, "The last commit");
      await this.#commitProcessed(limit.signal);
      limit.cancel();
    }
    this.#onClosed();
  }

  #group(action: string): Commits {
    if (this.#commits === null)
      throw new OptionError("group", `Cannot ${action}: this consumer has no group; name one: consumer({ group: "…", … })`);
    return this.#commits;
  }

  async #commitProcessed(signal?: AbortSignal): Promise<void> {
    const offsets = this.#intake.partitions
      .filter(({ processed, committed }) => processed >= 0 && processed !== committed)
      .map((partition) => ({ partition, offset: partition.processed }));
    try {
      await this.#commits?.store(offsets, { signal });
    } catch (error) {
      this.#cluster.logger.warn(
        { group: this.#settings.group, error: messageOf(error) },
        "cannot commit offsets; records since the last commit will be delivered again after a restart",
      );
    }
  }
}
