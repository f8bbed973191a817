import type { Api } from "../../api.ts";
import { alterConfigs, incrementalAlterConfigs } from "./alter-configs.ts";
import { alterPartitionReassignments } from "./alter-partition-reassignments.ts";
import { createPartitions } from "./create-partitions.ts";
import { createTopics } from "./create-topics.ts";
import { deleteTopics } from "./delete-topics.ts";
import { describeCluster } from "./describe-cluster.ts";
import { describeConfigs } from "./describe-configs.ts";
import { describeLogDirs } from "./describe-log-dirs.ts";
import { describeQuorum } from "./describe-quorum.ts";
import { describeTopicPartitions } from "./describe-topic-partitions.ts";
import { electLeaders } from "./elect-leaders.ts";
import { listPartitionReassignments } from "./list-partition-reassignments.ts";

/** What administrators' tools ask. */
export const adminApis: readonly Api[] = [
  createTopics,
  deleteTopics,
  createPartitions,
  describeTopicPartitions,
  describeConfigs,
  alterConfigs,
  incrementalAlterConfigs,
  describeCluster,
  describeLogDirs,
  electLeaders,
  alterPartitionReassignments,
  listPartitionReassignments,
  describeQuorum,
];
