import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, between, bool, int16, int32, nullable, nullableSince, since, string, struct, uuid } from "../schema.ts";
import { NO_OPERATIONS } from "./shared.ts";

/** 1: null asks for all topics, an empty list for none (before: an empty list for all). 4: auto-creation on demand. 9: flexible. 10: topic
 * ids. 12: by topic id. 13: an error for the whole. */
const request = struct({
  topics: nullableSince(1, array(struct({ topicId: since(10, uuid), name: nullableSince(10, string) }))),
  allowAutoTopicCreation: since(4, bool, true),
  includeClusterAuthorizedOperations: between(8, 10, bool),
  includeTopicAuthorizedOperations: since(8, bool),
});

const response = struct({
  throttleTimeMs: since(3, int32),
  brokers: array(struct({ nodeId: int32, host: string, port: int32, rack: since(1, nullable(string)) })),
  clusterId: since(2, nullable(string)),
  controllerId: since(1, int32, -1),
  topics: array(
    struct({
      errorCode: int16,
      name: nullableSince(12, string),
      topicId: since(10, uuid),
      isInternal: since(1, bool),
      partitions: array(
        struct({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: since(7, int32, -1),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          offlineReplicas: since(5, array(int32)),
        }),
      ),
      topicAuthorizedOperations: since(8, int32, NO_OPERATIONS),
    }),
  ),
  clusterAuthorizedOperations: between(8, 10, int32, NO_OPERATIONS),
  errorCode: since(13, int16),
});

export const metadata = defineApi({ key: 3, name: "Metadata", versions: [0, 13], flexibleFrom: 9, request, response });
export type MetadataRequest = Infer<typeof request>;
export type MetadataResponse = Input<typeof response>;
