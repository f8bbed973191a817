import type { Logger, Timer } from "@ottla/host";
import type { ClusterImage, ImageChange, TopicImage } from "@ottla/metadata";
import { type NodeConfig, type pb, ProtocolError, topicSettings, type TopicSettings, type Uuid, uuidToText } from "@ottla/protocol";
import { TopicTraffic } from "../metrics/traffic.ts";
import { Slots } from "../slots.ts";
import { damagedReplica } from "./damaged-replica.ts";
import { FailedLogs } from "./failed-logs.ts";
import { type KnownTopic, KnownTopics } from "./known-topics.ts";
import { Partition } from "./partition.ts";
import { logName, parseLogName, type PartitionSurroundings } from "./surroundings.ts";

/** Logs opened at once: enough to keep the disk busy. */
const OPENING_AT_ONCE = 32;
/** How often the lag of followers is looked at. */
const REVIEW_EVERY_MS = 500;

/** The partitions that this broker holds, kept as the metadata image says. */
export class Partitions {
  readonly #around: PartitionSurroundings;
  readonly #config: NodeConfig;
  readonly #image: ClusterImage;
  readonly #logger: Logger;
  readonly #open = new Map<Uuid, Map<number, Partition>>();
  readonly #opening = new Map<string, Promise<void>>();
  readonly #topics: KnownTopics;
  readonly #slots = new Slots(OPENING_AT_ONCE);
  readonly #failed: FailedLogs;
  readonly #removing = new Map<string, Promise<void>>();
  #brokerEpoch = -1;
  /** The image has come past this broker's registration: from there on nothing in it is of a time when this broker had another past. */
  #caughtUp = false;
  #reviewTimer: Timer | null = null;
  #closed: ProtocolError | null = null;

  constructor(around: PartitionSurroundings, config: NodeConfig, image: ClusterImage) {
    this.#around = around;
    this.#config = config;
    this.#image = image;
    this.#logger = around.logger;
    this.#topics = new KnownTopics(config, image);
    this.#failed = new FailedLogs(around, this.#slots, () => this.all());
    this.#armReview();
  }

  get(topicId: Uuid, index: number): Partition | undefined {
    return this.#open.get(topicId)?.get(index);
  }

  *all(): Iterable<Partition> {
    for (const partitions of this.#open.values()) yield* partitions.values();
  }

  traffic(): Iterable<TopicTraffic> {
    return this.#topics.traffic();
  }

  /** Opens what lies on the disk, before the cluster says what of it counts: registration reports what is damaged. */
  async openFound(): Promise<pb.DamagedReplica[]> {
    const settings = topicSettings(this.#config, new Map());
    const found = this.#around.directory.names().flatMap((name) => {
      const id = parseLogName(name);
      if (id === null)
        this.#logger.warn(
          { name, path: this.#around.directory.path },
          "A directory among the logs bears no partition's name; it is left alone",
        );
      return id ?? [];
    });
    const opened = await Promise.allSettled(
      found.map(({ topicId, index }) =>
        this.#slots.run(() => this.#openOne(topicId, index, `with id ${uuidToText(topicId)}`, settings, new TopicTraffic(""))),
      ),
    );
    // Only when nothing is being opened any more may the directory be closed.
    for (const one of opened) if (one.status === "rejected") throw one.reason;
    const unclean = this.#around.directory.cleanShutdown === null;
    return [...this.all()].flatMap((partition) => damagedReplica(partition, unclean) ?? []);
  }

  /** Leadership belongs to this incarnation alone: what the image says of an earlier one does not count. */
  set brokerEpoch(epoch: number) {
    this.#brokerEpoch = epoch;
    this.#caughtUp = this.#image.index >= epoch;
    for (const topic of this.#image.topics()) for (const record of topic.partitions) this.#updateRole(topic, record);
  }

  /** Follows what a delta changed in the image.
   * @returns when its partitions are open and, where this broker leads them, take requests */
  async follow(change: ImageChange): Promise<void> {
    for (const id of change.deleted) this.#drop(id);
    const late = !this.#caughtUp && this.#brokerEpoch >= 0 && this.#image.index >= this.#brokerEpoch;
    this.#caughtUp ||= late;
    const topics = change.configs || late ? [...this.#image.topics()] : [...change.topics].flatMap((id) => this.#image.topic(id) ?? []);
    const opened = topics.flatMap((topic) => this.#followTopic(topic));
    this.#around.peers.changed(change.brokers);
    await Promise.all(opened);
  }

  /** Logs on the disk of topics that the cluster neither has nor deletes. Nothing is deleted because metadata does not mention it. */
  strays(): Partition[] {
    return [...this.all()].filter(({ topicId }) => this.#image.topic(topicId) === undefined && !this.#image.deletedTopics.has(topicId));
  }

  /** Removes every log of a deleted topic, also one that is just being opened. */
  async remove(topicId: Uuid): Promise<void> {
    this.#drop(topicId);
    await Promise.all([...this.#opening].flatMap(([name, opened]) => (parseLogName(name)?.topicId === topicId ? opened : [])));
    this.#drop(topicId);
    const names = this.#around.directory.names().filter((name) => parseLogName(name)?.topicId === topicId);
    for (const name of names) {
      await this.#removing.get(name);
      await this.#around.directory.removeLog(name);
    }
  }

  /** The broker has failed for good: nothing is answered from here on. */
  fail(reason: ProtocolError): void {
    this.#closed = reason;
    this.#failed.stop();
    for (const partition of this.all()) partition.close(reason);
  }

  /** Answers nothing more; the logs stay open for {@link LogDirectory.close}. */
  async close(reason: ProtocolError): Promise<void> {
    const failed = this.#closed !== null;
    this.#closed ??= reason;
    this.#reviewTimer?.cancel();
    await Promise.all([...this.#opening.values(), ...this.#removing.values(), this.#failed.close()]);
    for (const partition of this.all()) partition.close(reason);
    if (failed) return;
    await Promise.all(
      [...this.all()].map((partition) =>
        this.#slots
          .run(() => partition.settle())
          .catch((error: unknown) =>
            this.#logger.warn(
              { topic: partition.topicName, partition: partition.index, err: error },
              "Cannot write a snapshot of producers; the next start reads more of the log",
            ),
          ),
      ),
    );
  }

  #followTopic(topic: TopicImage): Promise<void>[] {
    const known = this.#topics.of(topic);
    const opening: Promise<void>[] = [];
    for (const record of topic.partitions) {
      const partition = this.get(topic.id, record.partition);
      // Also one that is assigned elsewhere now: it must stop leading.
      if (partition !== undefined) this.#update(partition, topic, record, known);
      else if (record.replicas.includes(this.#around.nodeId)) opening.push(this.#opened(topic, record.partition, known));
    }
    return opening;
  }

  #opened(topic: TopicImage, index: number, known: KnownTopic): Promise<void> {
    const name = logName(topic.id, index);
    const running = this.#opening.get(name);
    if (running) return running;
    const opened = this.#slots
      .run(async () => {
        await this.#removing.get(name);
        await this.#openOne(topic.id, index, topic.name, known.settings, known.traffic);
      })
      .catch((error: unknown) =>
        this.#logger.error(
          { topic: topic.name, partition: index, err: error },
          "Cannot open the log of a partition; it is tried again when the partition changes or the node starts",
        ),
      )
      .finally(() => this.#opening.delete(name));
    this.#opening.set(name, opened);
    return opened;
  }

  async #openOne(topicId: Uuid, index: number, topicName: string, settings: TopicSettings, traffic: TopicTraffic): Promise<void> {
    const partition = await Partition.open(
      { topicId, index, topicName, settings, traffic, onFailed: () => this.#failed.watch() },
      this.#around,
    );
    let partitions = this.#open.get(topicId);
    if (partitions === undefined) this.#open.set(topicId, (partitions = new Map()));
    partitions.set(index, partition);
    if (this.#closed) return partition.close(this.#closed);
    // The image may have moved on meanwhile.
    const topic = this.#image.topic(topicId);
    const record = topic?.partitions[index];
    if (topic && record) this.#update(partition, topic, record, this.#topics.of(topic));
  }

  #update(partition: Partition, topic: TopicImage, record: pb.PartitionRecord, known: KnownTopic): void {
    if (partition.settings !== known.settings || partition.traffic !== known.traffic)
      partition.configure(topic.name, known.settings, known.traffic);
    this.#updateRole(topic, record);
  }

  #updateRole(topic: TopicImage, record: pb.PartitionRecord): void {
    const partition = this.get(topic.id, record.partition);
    if (partition === undefined || this.#closed || !this.#caughtUp) return;
    const { nodeId } = this.#around;
    if (!record.replicas.includes(nodeId)) this.#moveAway(partition, record);
    else if (record.leader === nodeId && record.leaderBrokerEpoch === this.#brokerEpoch) partition.lead(record);
    else if (record.leader >= 0 && record.leader !== nodeId)
      partition.follow(record, !record.isr.includes(nodeId) && !record.elr.includes(nodeId));
    else partition.resign();
  }

  /** A committed assignment no longer lists this replica: its log goes. */
  #moveAway(partition: Partition, record: pb.PartitionRecord): void {
    const { topicId, index, topicName } = partition;
    const name = logName(topicId, index);
    partition.close(
      new ProtocolError(
        "NOT_LEADER_OR_FOLLOWER",
        `Partition ${index} of topic ${topicName} has been moved to brokers ${record.replicas.join(", ")}: refresh the metadata`,
      ),
    );
    this.#open.get(topicId)?.delete(index);
    this.#logger.info({ topic: topicName, partition: index, replicas: record.replicas }, "A replica is moved away: its log is removed");
    const removed = partition
      .released()
      .then(() => this.#around.directory.removeLog(name))
      .catch((error: unknown) =>
        this.#logger.error({ topic: topicName, partition: index, err: error }, "Cannot remove the log of a replica that was moved away"),
      )
      .finally(() => this.#removing.delete(name));
    this.#removing.set(name, removed);
  }

  #armReview(): void {
    this.#reviewTimer = this.#around.clock.after(REVIEW_EVERY_MS, () => {
      for (const partition of this.all()) partition.reviewInSync();
      if (this.#closed === null) this.#armReview();
    });
  }

  #drop(topicId: Uuid): void {
    this.#topics.drop(topicId);
    const partitions = this.#open.get(topicId);
    if (partitions === undefined) return;
    this.#open.delete(topicId);
    for (const partition of partitions.values()) {
      partition.close(
        new ProtocolError("UNKNOWN_TOPIC_ID", `Topic ${partition.topicName} (id ${uuidToText(topicId)}) was deleted: refresh the metadata`),
      );
    }
  }
}
