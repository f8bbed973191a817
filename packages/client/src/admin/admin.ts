import type { Cluster } from "../connection/cluster.ts";
import type { SeekTarget, TopicPartition, TopicPartitionOffset } from "../consumer/api.ts";
import { checkTarget } from "../consumer/settings.ts";
import { wholeNumber } from "../options.ts";
import type {
  CallOptions,
  ClusterDescription,
  ConfigChanges,
  ConfigResource,
  CreatedTopic,
  DeletedRecords,
  DeleteRecordsBefore,
  DescribedConfigs,
  GroupListing,
  GroupOffset,
  ListedOffset,
  LogDirDescription,
  NewTopic,
  OffsetQuery,
  OffsetToCommit,
  TopicDescription,
} from "./api.ts";
import { alterConfigs, describeConfigs } from "./configs.ts";
import { commitGroupOffsets, deleteGroupOffsets, deleteGroups, fetchGroupOffsets, listGroups, resetGroupOffsets } from "./groups.ts";
import { describeCluster, describeLogDirs } from "./nodes.ts";
import { deleteRecords, listedOffsets } from "./offsets.ts";
import { limits, ShapeAdmin } from "./shape-admin.ts";
import { createPartitions, createTopics, deleteTopics, describeTopics } from "./topics.ts";

/** Topics, settings, offsets, groups, brokers, and the cluster's shape ({@link ShapeAdmin}). Made by {@link Ottla.admin}.
 *
 * Calls are repeated while their error may pass, until `timeoutMs`. A call whose answer was lost may have had its effect: creating may then
 * say that the topic exists. Where some items of a call fail, the others are done and an {@link AdminError} names each that failed. */
export class Admin extends ShapeAdmin {
  readonly #cluster: Cluster;

  /** @internal */
  constructor(cluster: Cluster) {
    super(cluster);
    this.#cluster = cluster;
  }

  /** @throws AdminError TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, INVALID_CONFIG */
  async createTopic(topic: NewTopic, options: CallOptions & { validateOnly?: boolean } = {}): Promise<CreatedTopic> {
    const [created] = await this.createTopics([topic], options);
    if (created === undefined) throw new Error(`Invariant broken: no answer about topic "${topic.name}"`);
    return created;
  }

  async createTopics(topics: readonly NewTopic[], options: CallOptions & { validateOnly?: boolean } = {}): Promise<CreatedTopic[]> {
    return await createTopics(this.#cluster, topics, options.validateOnly ?? false, limits(options));
  }

  /** @throws AdminError UNKNOWN_TOPIC_OR_PARTITION */
  async deleteTopics(names: readonly string[], options: CallOptions = {}): Promise<void> {
    await deleteTopics(this.#cluster, names, limits(options));
  }

  async listTopics(options: CallOptions = {}): Promise<string[]> {
    return (await describeTopics(this.#cluster, null, limits(options))).map(({ name }) => name).toSorted();
  }

  /** Of all topics when no names are given.
   * @throws AdminError UNKNOWN_TOPIC_OR_PARTITION */
  async describeTopics(names?: readonly string[], options: CallOptions = {}): Promise<TopicDescription[]> {
    return await describeTopics(this.#cluster, names ?? null, limits(options));
  }

  /** Raises the number of partitions to `total`. Keys then go to other partitions than before. */
  async createPartitions(
    topic: string,
    total: number,
    options: CallOptions & { assignments?: readonly (readonly number[])[]; validateOnly?: boolean } = {},
  ): Promise<void> {
    wholeNumber("total", total, total, { least: 1, most: 1_000_000 });
    await createPartitions(this.#cluster, topic, total, options.assignments ?? [], options.validateOnly ?? false, limits(options));
  }

  /** All settings, or those of `names`. */
  async describeConfigs(
    resources: readonly ConfigResource[],
    options: CallOptions & { names?: readonly string[] } = {},
  ): Promise<DescribedConfigs[]> {
    return await describeConfigs(this.#cluster, resources, options.names ?? [], limits(options));
  }

  /** Settings that are not named stay as they are.
   * @throws AdminError INVALID_CONFIG */
  async alterConfigs(changes: readonly ConfigChanges[], options: CallOptions & { validateOnly?: boolean } = {}): Promise<void> {
    await alterConfigs(this.#cluster, changes, options.validateOnly ?? false, limits(options));
  }

  async listOffsets(
    queries: readonly OffsetQuery[],
    options: CallOptions & { isolation?: "read_uncommitted" | "read_committed" } = {},
  ): Promise<ListedOffset[]> {
    return await listedOffsets(this.#cluster, queries, options.isolation === "read_committed" ? 1 : 0, limits(options));
  }

  /** Makes the offsets below `before` unreadable; the space is freed segment by segment. */
  async deleteRecords(partitions: readonly DeleteRecordsBefore[], options: CallOptions = {}): Promise<DeletedRecords[]> {
    return await deleteRecords(this.#cluster, partitions, limits(options));
  }

  /** Groups with committed offsets. */
  async listGroups(options: CallOptions = {}): Promise<GroupListing[]> {
    return await listGroups(this.#cluster, limits(options));
  }

  /** All that the group has committed when no partitions are given. */
  async fetchGroupOffsets(group: string, partitions: readonly TopicPartition[] = [], options: CallOptions = {}): Promise<GroupOffset[]> {
    return await fetchGroupOffsets(this.#cluster, group, partitions, limits(options));
  }

  async commitGroupOffsets(group: string, offsets: readonly OffsetToCommit[], options: CallOptions = {}): Promise<void> {
    await commitGroupOffsets(this.#cluster, group, offsets, limits(options));
  }

  /** Commits where the group shall resume: an offset, the beginning, the end, or the first record at or after a time. A topic's name
   * stands for all its partitions. Returns what was committed. */
  async resetGroupOffsets(
    group: string,
    partitions: readonly (string | TopicPartition)[],
    to: SeekTarget,
    options: CallOptions = {},
  ): Promise<TopicPartitionOffset[]> {
    checkTarget(to);
    return await resetGroupOffsets(this.#cluster, group, partitions, to, limits(options));
  }

  async deleteGroupOffsets(group: string, partitions: readonly TopicPartition[], options: CallOptions = {}): Promise<void> {
    await deleteGroupOffsets(this.#cluster, group, partitions, limits(options));
  }

  async deleteGroups(groups: readonly string[], options: CallOptions = {}): Promise<void> {
    await deleteGroups(this.#cluster, groups, limits(options));
  }

  async describeCluster(options: CallOptions = {}): Promise<ClusterDescription> {
    return await describeCluster(this.#cluster, limits(options));
  }

  /** Of all brokers, or of `nodes`. */
  async describeLogDirs(options: CallOptions & { nodes?: readonly number[] } = {}): Promise<LogDirDescription[]> {
    return await describeLogDirs(this.#cluster, options.nodes, limits(options));
  }
}
