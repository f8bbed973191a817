import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import {
  array,
  between,
  int16,
  int32,
  int64,
  int8,
  nullable,
  records,
  saturatingInt64,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
  withDefault,
} from "../schema.ts";
import { currentLeader, nodeEndpoints } from "./shared.ts";

/** 4: read committed. 5: log start offset. 7: sessions (KIP-227). 9: leader epochs (KIP-320). 10: zstd. 11: nearest replica (KIP-392). 12:
 * flexible, divergence. 13: topic ids. 15: replica state. 16: new leaders in the answer. 17: directories. 18: high watermark. */
const request = struct({
  clusterId: tagged(0, 12, nullable(string)),
  replicaId: until(14, int32, -1),
  replicaState: tagged(1, 15, struct({ replicaId: withDefault(int32, -1), replicaEpoch: withDefault(int64, -1) })),
  maxWaitMs: int32,
  minBytes: int32,
  maxBytes: since(3, int32, 0x7fff_ffff),
  isolationLevel: since(4, int8),
  sessionId: since(7, int32),
  sessionEpoch: since(7, int32, -1),
  topics: array(
    struct({
      topic: until(12, string),
      topicId: since(13, uuid),
      partitions: array(
        struct({
          partition: int32,
          currentLeaderEpoch: since(9, int32, -1),
          // A consumer that seeks to the greatest there is hears that it is out of range.
          fetchOffset: saturatingInt64,
          lastFetchedEpoch: since(12, int32, -1),
          logStartOffset: since(5, int64, -1),
          partitionMaxBytes: int32,
          replicaDirectoryId: tagged(0, 17, uuid),
          highWatermark: tagged(1, 18, saturatingInt64, Number.MAX_SAFE_INTEGER),
        }),
      ),
    }),
  ),
  forgottenTopicsData: since(7, array(struct({ topic: between(7, 12, string), topicId: since(13, uuid), partitions: array(int32) }))),
  rackId: since(11, string),
});

const response = struct({
  throttleTimeMs: since(1, int32),
  errorCode: since(7, int16),
  sessionId: since(7, int32),
  responses: array(
    struct({
      topic: until(12, string),
      topicId: since(13, uuid),
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          highWatermark: int64,
          lastStableOffset: since(4, int64, -1),
          logStartOffset: since(5, int64, -1),
          divergingEpoch: tagged(0, 12, struct({ epoch: withDefault(int32, -1), endOffset: withDefault(int64, -1) })),
          currentLeader: tagged(1, 12, currentLeader),
          snapshotId: tagged(2, 12, struct({ endOffset: withDefault(int64, -1), epoch: withDefault(int32, -1) })),
          abortedTransactions: since(4, nullable(array(struct({ producerId: int64, firstOffset: int64 })))),
          preferredReadReplica: since(11, int32, -1),
          records: nullable(records),
        }),
      ),
    }),
  ),
  nodeEndpoints: tagged(0, 16, nodeEndpoints),
});

export const fetch = defineApi({ key: 1, name: "Fetch", versions: [0, 18], flexibleFrom: 12, request, response });
export type FetchRequest = Infer<typeof request>;
export type FetchResponse = Input<typeof response>;
