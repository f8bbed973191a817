import type { pb } from "@ottla/protocol";
import { uuidFromBytes, type ErrorName } from "@ottla/protocol";
import { describe, FakePartition } from "./fake-partition.test.kit.ts";
import { codeOf, type FakeState, type FakeTopic } from "./fake-state.test.kit.ts";

const fine = { errorCode: 0, errorMessage: "" };
const wrong = (error: ErrorName, errorMessage: string) => ({ errorCode: codeOf(error), errorMessage });

/** Only what the client's tests ask. */
export function answerCall(cluster: FakeState, nodeId: number, call: pb.CallRequest["call"]): pb.CallResponse["answer"] {
  switch (call.case) {
    case "metadata":
      return { case: "metadata", value: metadata(cluster, nodeId, call.value) };
    case "initProducerId":
      return { case: "initProducerId", value: { producerId: 1000 + cluster.producerIds++, producerEpoch: 0 } };
    case "createTopics":
      return { case: "createTopics", value: { topics: call.value.topics.map((topic) => create(cluster, topic, call.value.validateOnly)) } };
    case "deleteTopics":
      return {
        case: "deleteTopics",
        value: {
          topics: call.value.names.map((name) => ({
            name,
            topicId: new Uint8Array(16),
            ...(cluster.topics.delete(name) ? fine : wrong("UNKNOWN_TOPIC_OR_PARTITION", `there is no topic "${name}"`)),
          })),
        },
      };
    case "createPartitions":
      return {
        case: "createPartitions",
        value: { topics: call.value.topics.map(({ name, total }) => addPartitions(cluster, name, total)) },
      };
    case "listOffsets":
      return { case: "listOffsets", value: { partitions: call.value.partitions.map((asked) => listOffset(cluster, nodeId, asked)) } };
    case "deleteRecords":
      return { case: "deleteRecords", value: { partitions: call.value.partitions.map((asked) => deleteRecords(cluster, nodeId, asked)) } };
    case "commitOffsets":
      return { case: "commitOffsets", value: commit(cluster, call.value) };
    case "fetchOffsets":
      return { case: "fetchOffsets", value: fetchOffsets(cluster, call.value) };
    case "listGroups":
      return {
        case: "listGroups",
        value: { groups: [...cluster.groups].map(([group, offsets]) => ({ group, partitions: offsets.length, lastCommitMs: 0 })) },
      };
    case "deleteGroups":
      return {
        case: "deleteGroups",
        value: {
          groups: call.value.groups.map((group) => ({
            group,
            ...(cluster.groups.delete(group) ? fine : wrong("GROUP_ID_NOT_FOUND", `there is no group "${group}"`)),
          })),
        },
      };
    default:
      return cluster.onShape(call);
  }
}

function metadata(cluster: FakeState, nodeId: number, { names, topicIds, allTopics }: pb.MetadataCall): pb.MetadataAnswer {
  const found = allTopics ? [...cluster.topics.values()] : topicIds.flatMap((id) => cluster.byId(id) ?? []);
  const topics = [...found.map((topic) => toMetadata(cluster, nodeId, topic)), ...names.map((name) => byName(cluster, nodeId, name))];
  return {
    clusterId: "fake",
    controllerId: 1,
    brokers: [...cluster.nodeIds].map((id) => ({ nodeId: id, host: `broker${id}`, port: 9093, rack: "" })),
    topics,
    current: cluster.current,
  };
}

function byName(cluster: FakeState, nodeId: number, name: string): pb.TopicMetadata {
  const topic = cluster.topics.get(name);
  return topic === undefined
    ? { name, topicId: new Uint8Array(16), partitions: [], ...wrong("UNKNOWN_TOPIC_OR_PARTITION", `there is no topic "${name}"`) }
    : toMetadata(cluster, nodeId, topic);
}

function toMetadata(cluster: FakeState, nodeId: number, { name, id, partitions }: FakeTopic): pb.TopicMetadata {
  return { name, topicId: id, ...fine, partitions: cluster.stale.get(nodeId)?.get(name) ?? partitions.map(describe) };
}

function create(cluster: FakeState, { name, partitions }: pb.NewTopic, validateOnly: boolean): pb.CreatedTopic {
  const none = { name, topicId: new Uint8Array(0), partitions: 0, replicationFactor: 0 };
  if (cluster.topics.has(name)) return { ...none, ...wrong("TOPIC_ALREADY_EXISTS", `topic "${name}" exists`) };
  const count = partitions === -1 ? 1 : partitions;
  const topicId = validateOnly ? new Uint8Array(0) : cluster.addTopic(name, count).id;
  return { name, topicId, partitions: count, replicationFactor: 1, ...fine };
}

function addPartitions(cluster: FakeState, name: string, total: number): pb.TopicOutcome {
  const topic = cluster.topics.get(name);
  if (topic === undefined)
    return { name, topicId: new Uint8Array(16), ...wrong("UNKNOWN_TOPIC_OR_PARTITION", `there is no topic "${name}"`) };
  while (topic.partitions.length < total) topic.partitions.push(new FakePartition(1));
  return { name, topicId: topic.id, ...fine };
}

function listOffset(
  cluster: FakeState,
  nodeId: number,
  { topicId, partition: index, timestamp }: pb.ListOffsetsPartition,
): pb.ListedOffset {
  const partition = cluster.byId(topicId)?.partitions[index];
  const none = { topicId, partition: index, offset: -1, timestamp: -1, leaderEpoch: -1, leader: cluster.hint(nodeId, partition) };
  if (partition === undefined) return { ...none, ...wrong("UNKNOWN_TOPIC_ID", "no such topic") };
  if (partition.leader !== nodeId) return { ...none, ...wrong("NOT_LEADER_OR_FOLLOWER", "elsewhere") };
  if (timestamp >= 0 && partition.damaged !== null)
    return {
      ...none,
      ...wrong("KAFKA_STORAGE_ERROR", `Cannot read offsets ${partition.damaged.from} to ${partition.damaged.until - 1}: 0.log is damaged`),
    };
  return { ...none, ...fine, ...partition.offsetFor(timestamp), leaderEpoch: partition.leaderEpoch };
}

function deleteRecords(
  cluster: FakeState,
  nodeId: number,
  { topicId, partition: index, beforeOffset }: pb.DeleteRecordsPartition,
): pb.DeletedRecords {
  const partition = cluster.byId(topicId)?.partitions[index];
  const none = { topicId, partition: index, logStartOffset: -1, leader: cluster.hint(nodeId, partition) };
  if (partition === undefined || partition.leader !== nodeId) return { ...none, ...wrong("NOT_LEADER_OR_FOLLOWER", "elsewhere") };
  const before = beforeOffset === -1 ? partition.endOffset : beforeOffset;
  if (before > partition.endOffset)
    return { ...none, ...wrong("OFFSET_OUT_OF_RANGE", `offset ${before} is beyond the end, ${partition.endOffset}`) };
  partition.startOffset = Math.max(partition.startOffset, before);
  return { ...none, ...fine, logStartOffset: partition.startOffset };
}

function commit(cluster: FakeState, { group, offsets }: pb.CommitOffsetsCall): pb.CommitOffsetsAnswer {
  const stored = new Map((cluster.groups.get(group) ?? []).map((each) => [`${each.topic}-${each.partition}`, each]));
  for (const { topicId, partition, offset, leaderEpoch, metadata: text } of offsets) {
    const topic = uuidFromBytes(topicId);
    stored.set(`${topic}-${partition}`, { topic, partition, offset, leaderEpoch, metadata: text });
  }
  cluster.groups.set(group, [...stored.values()]);
  return { offsets: offsets.map(({ topicId, partition }) => ({ topicId, partition, ...fine })) };
}

function fetchOffsets(cluster: FakeState, { group, partitions }: pb.FetchOffsetsCall): pb.FetchOffsetsAnswer {
  const stored = cluster.groups.get(group) ?? [];
  const idOf = new Map([...cluster.topics.values()].map(({ id }) => [uuidFromBytes(id), id]));
  const asked =
    partitions.length > 0
      ? partitions
      : stored.flatMap(({ topic, partition }) => ({ topicId: idOf.get(topic) ?? new Uint8Array(16), partition }));
  return {
    offsets: asked.map(({ topicId, partition }) => {
      const found = stored.find((each) => each.topic === uuidFromBytes(topicId) && each.partition === partition);
      return {
        topicId,
        partition,
        offset: found?.offset ?? -1,
        leaderEpoch: found?.leaderEpoch ?? -1,
        metadata: found?.metadata ?? "",
        commitTimeMs: 0,
      };
    }),
  };
}
