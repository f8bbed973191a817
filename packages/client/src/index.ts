export { ProtocolError, type ErrorName } from "@ottla/protocol";
export { Admin } from "./admin/admin.ts";
export type {
  CallOptions,
  ClusterDescription,
  ClusterNode,
  ConfigChanges,
  ConfigEntry,
  ConfigResource,
  CreatedTopic,
  DeletedRecords,
  DeleteRecordsBefore,
  DescribedConfigs,
  GroupListing,
  GroupOffset,
  ListedOffset,
  LogDirDescription,
  LogDirPartition,
  NewTopic,
  OffsetQuery,
  OffsetToCommit,
  PartitionDescription,
  TopicDescription,
} from "./admin/api.ts";
export type {
  ClusterEvent,
  DrainProgress,
  ElectedPartition,
  Feature,
  Move,
  MoveOptions,
  QuorumDescription,
  QuorumMember,
  Reassignment,
} from "./admin/shape-api.ts";
export type {
  Assignable,
  ConsumerBatch,
  ConsumerOptions,
  ConsumerRecord,
  RecordHeader,
  RecordOf,
  RunOptions,
  SeekTarget,
  TopicPartition,
  TopicPartitionOffset,
} from "./consumer/api.ts";
export { Consumer } from "./consumer/consumer.ts";
export {
  AdminError,
  ClosedError,
  ConnectionError,
  ConsumeError,
  OptionError,
  ProduceError,
  RecordDecodeError,
  SendAllError,
  type Failure,
} from "./errors.ts";
export { Ottla, type OttlaOptions } from "./ottla.ts";
export type { OutgoingRecord, Partitioner, PartitionerInput, ProducerOptions, RecordMetadata, SendOptions } from "./producer/api.ts";
export { Producer } from "./producer/producer.ts";
export { bytes, json, string, type Codec } from "./topic/codec.ts";
export type { HeadersInput } from "./topic/headers.ts";
export { topic, type Topic } from "./topic/topic.ts";
