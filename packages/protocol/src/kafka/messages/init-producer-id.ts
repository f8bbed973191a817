import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { bool, int16, int32, int64, nullable, since, string, struct, withDefault } from "../schema.ts";

/** 2: flexible. 3: bumps the epoch of a known producer (KIP-360). 5: answers TRANSACTION_ABORTABLE. 6: two-phase commit (KIP-939). */
const request = struct({
  transactionalId: nullable(string),
  transactionTimeoutMs: int32,
  producerId: since(3, int64, -1),
  producerEpoch: since(3, int16, -1),
  enable2Pc: since(6, bool),
  keepPreparedTxn: since(6, bool),
});

const response = struct({
  throttleTimeMs: withDefault(int32, 0),
  errorCode: int16,
  producerId: int64,
  producerEpoch: int16,
  ongoingTxnProducerId: since(6, int64, -1),
  ongoingTxnProducerEpoch: since(6, int16, -1),
});

export const initProducerId = defineApi({ key: 22, name: "InitProducerId", versions: [0, 6], flexibleFrom: 2, request, response });
export type InitProducerIdRequest = Infer<typeof request>;
export type InitProducerIdResponse = Input<typeof response>;
