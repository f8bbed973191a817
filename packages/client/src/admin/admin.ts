import type { TopicPartition, TopicPartitionOffset, SeekTarget } from "../consumer/api.ts";
import type {
  CallOptions, ClusterDescription, ConfigChanges, ConfigResource, CreatedTopic, DeletedRecords, DeleteRecordsBefore, DescribedConfigs,
  GroupListing, GroupOffset, ListedOffset, LogDirDescription, NewTopic, OffsetQuery, OffsetToCommit, TopicDescription,
} from "./api.ts";

const notYet = (..._: unknown[]): never => { throw new Error("not written yet"); };

export class Admin {
  createTopic(topic: NewTopic, options?: CallOptions & { validateOnly?: boolean }): Promise<CreatedTopic> { return notYet(topic, options); }
  createTopics(topics: readonly NewTopic[], options?: CallOptions & { validateOnly?: boolean }): Promise<CreatedTopic[]> { return notYet(topics, options); }
  deleteTopics(names: readonly string[], options?: CallOptions): Promise<void> { return notYet(names, options); }
  listTopics(options?: CallOptions): Promise<string[]> { return notYet(options); }
  describeTopics(names: readonly string[], options?: CallOptions): Promise<TopicDescription[]> { return notYet(names, options); }
  createPartitions(topic: string, total: number, options?: CallOptions & { assignments?: readonly (readonly number[])[]; validateOnly?: boolean }): Promise<void> { return notYet(topic, total, options); }
  describeConfigs(resources: readonly ConfigResource[], options?: CallOptions & { names?: readonly string[] }): Promise<DescribedConfigs[]> { return notYet(resources, options); }
  alterConfigs(changes: readonly ConfigChanges[], options?: CallOptions & { validateOnly?: boolean }): Promise<void> { return notYet(changes, options); }
  listOffsets(queries: readonly OffsetQuery[], options?: CallOptions & { isolation?: "read_uncommitted" | "read_committed" }): Promise<ListedOffset[]> { return notYet(queries, options); }
  deleteRecords(partitions: readonly DeleteRecordsBefore[], options?: CallOptions): Promise<DeletedRecords[]> { return notYet(partitions, options); }
  listGroups(options?: CallOptions): Promise<GroupListing[]> { return notYet(options); }
  fetchGroupOffsets(group: string, partitions?: readonly TopicPartition[], options?: CallOptions): Promise<GroupOffset[]> { return notYet(group, partitions, options); }
  commitGroupOffsets(group: string, offsets: readonly OffsetToCommit[], options?: CallOptions): Promise<void> { return notYet(group, offsets, options); }
  resetGroupOffsets(group: string, partitions: readonly (string | TopicPartition)[], to: SeekTarget, options?: CallOptions): Promise<TopicPartitionOffset[]> { return notYet(group, partitions, to, options); }
  deleteGroupOffsets(group: string, partitions: readonly TopicPartition[], options?: CallOptions): Promise<void> { return notYet(group, partitions, options); }
  deleteGroups(groups: readonly string[], options?: CallOptions): Promise<void> { return notYet(groups, options); }
  describeCluster(options?: CallOptions): Promise<ClusterDescription> { return notYet(options); }
  describeLogDirs(options?: CallOptions & { nodes?: readonly number[] }): Promise<LogDirDescription[]> { return notYet(options); }
}
