import type { Api } from "./api.ts";
import { createAcls, deleteAcls, describeAcls } from "./messages/acls.ts";
import { alterConfigs } from "./messages/alter-configs.ts";
import { alterPartitionReassignments } from "./messages/alter-partition-reassignments.ts";
import { apiVersions } from "./messages/api-versions.ts";
import {
  addRaftVoter,
  alterReplicaLogDirs,
  listConfigResources,
  removeRaftVoter,
  unregisterBroker,
  updateFeatures,
} from "./messages/cluster-administration.ts";
import { consumerGroupDescribe } from "./messages/consumer-group-describe.ts";
import { consumerGroupHeartbeat } from "./messages/consumer-group-heartbeat.ts";
import { createPartitions } from "./messages/create-partitions.ts";
import { createTopics } from "./messages/create-topics.ts";
import {
  createDelegationToken,
  describeDelegationToken,
  expireDelegationToken,
  renewDelegationToken,
} from "./messages/delegation-tokens.ts";
import { deleteGroups } from "./messages/delete-groups.ts";
import { deleteRecords } from "./messages/delete-records.ts";
import { deleteTopics } from "./messages/delete-topics.ts";
import { describeCluster } from "./messages/describe-cluster.ts";
import { describeConfigs } from "./messages/describe-configs.ts";
import { describeGroups } from "./messages/describe-groups.ts";
import { describeLogDirs } from "./messages/describe-log-dirs.ts";
import { describeProducers } from "./messages/describe-producers.ts";
import { describeQuorum } from "./messages/describe-quorum.ts";
import { describeTopicPartitions } from "./messages/describe-topic-partitions.ts";
import { electLeaders } from "./messages/elect-leaders.ts";
import { fetch } from "./messages/fetch.ts";
import { findCoordinator } from "./messages/find-coordinator.ts";
import { heartbeat } from "./messages/heartbeat.ts";
import { incrementalAlterConfigs } from "./messages/incremental-alter-configs.ts";
import { initProducerId } from "./messages/init-producer-id.ts";
import { joinGroup } from "./messages/join-group.ts";
import { leaveGroup } from "./messages/leave-group.ts";
import { listGroups } from "./messages/list-groups.ts";
import { listOffsets } from "./messages/list-offsets.ts";
import { listPartitionReassignments } from "./messages/list-partition-reassignments.ts";
import { metadata } from "./messages/metadata.ts";
import { offsetCommit } from "./messages/offset-commit.ts";
import { offsetDelete } from "./messages/offset-delete.ts";
import { offsetFetch } from "./messages/offset-fetch.ts";
import { offsetForLeaderEpoch } from "./messages/offset-for-leader-epoch.ts";
import { produce } from "./messages/produce.ts";
import { alterClientQuotas, describeClientQuotas } from "./messages/quotas.ts";
import { alterUserScramCredentials, describeUserScramCredentials, saslAuthenticate, saslHandshake } from "./messages/sasl.ts";
import { syncGroup } from "./messages/sync-group.ts";
import { getTelemetrySubscriptions, pushTelemetry } from "./messages/telemetry.ts";
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeTransactions,
  endTxn,
  listTransactions,
  txnOffsetCommit,
  writeTxnMarkers,
} from "./messages/transactions.ts";

/** Every API whose messages are known, by their keys, those that no server here answers included. */
export const apis = {
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  writeTxnMarkers,
  txnOffsetCommit,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigs,
  alterReplicaLogDirs,
  describeLogDirs,
  saslAuthenticate,
  createPartitions,
  createDelegationToken,
  renewDelegationToken,
  expireDelegationToken,
  describeDelegationToken,
  deleteGroups,
  electLeaders,
  incrementalAlterConfigs,
  alterPartitionReassignments,
  listPartitionReassignments,
  offsetDelete,
  describeClientQuotas,
  alterClientQuotas,
  describeUserScramCredentials,
  alterUserScramCredentials,
  describeQuorum,
  updateFeatures,
  describeCluster,
  describeProducers,
  unregisterBroker,
  describeTransactions,
  listTransactions,
  consumerGroupHeartbeat,
  consumerGroupDescribe,
  getTelemetrySubscriptions,
  pushTelemetry,
  listConfigResources,
  describeTopicPartitions,
  addRaftVoter,
  removeRaftVoter,
};

const byKey = new Map<number, Api>(Object.values(apis).map((api) => [api.key, api]));

export function apiByKey(key: number): Api | undefined {
  return byKey.get(key);
}
