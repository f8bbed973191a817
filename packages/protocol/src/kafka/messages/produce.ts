import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, int16, int32, int64, nullable, records, since, string, struct, tagged, until, uuid } from "../schema.ts";
import { currentLeader, nodeEndpoints } from "./shared.ts";

/** 3: record batches of magic 2 only. 5: log start offset. 7: zstd. 8: which records were refused. 9: flexible. 10: the new leader in the
 * answer (KIP-951). 12: adds partitions to the transaction (KIP-890). 13: topic ids. */
const request = struct({
  transactionalId: since(3, nullable(string)),
  acks: int16,
  timeoutMs: int32,
  topicData: array(
    struct({
      name: until(12, string),
      topicId: since(13, uuid),
      partitionData: array(struct({ index: int32, records: nullable(records) })),
    }),
  ),
});

const response = struct({
  responses: array(
    struct({
      name: until(12, string),
      topicId: since(13, uuid),
      partitionResponses: array(
        struct({
          index: int32,
          errorCode: int16,
          baseOffset: int64,
          logAppendTimeMs: since(2, int64, -1),
          logStartOffset: since(5, int64, -1),
          recordErrors: since(8, array(struct({ batchIndex: int32, batchIndexErrorMessage: nullable(string) }))),
          errorMessage: since(8, nullable(string)),
          currentLeader: tagged(0, 10, currentLeader),
        }),
      ),
    }),
  ),
  throttleTimeMs: since(1, int32),
  nodeEndpoints: tagged(0, 10, nodeEndpoints),
});

export const produce = defineApi({ key: 0, name: "Produce", versions: [0, 13], flexibleFrom: 9, request, response });
export type ProduceRequest = Infer<typeof request>;
export type ProduceResponse = Input<typeof response>;
