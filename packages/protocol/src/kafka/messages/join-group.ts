import { defineApi } from "../api.ts";
import { array, bool, bytes, int16, int32, nullable, nullableSince, since, string, struct } from "../schema.ts";

/** 1: time to rebalance. 4: a first join is sent back with an id (KIP-394). 5: static members. 6: flexible. 8: reasons. */
const request = struct({
  groupId: string,
  sessionTimeoutMs: int32,
  rebalanceTimeoutMs: since(1, int32, -1),
  memberId: string,
  groupInstanceId: since(5, nullable(string)),
  protocolType: string,
  protocols: array(struct({ name: string, metadata: bytes })),
  reason: since(8, nullable(string)),
});

const response = struct({
  throttleTimeMs: since(2, int32),
  errorCode: int16,
  generationId: int32,
  protocolType: since(7, nullable(string)),
  protocolName: nullableSince(7, string),
  leader: string,
  skipAssignment: since(9, bool),
  memberId: string,
  members: array(struct({ memberId: string, groupInstanceId: since(5, nullable(string)), metadata: bytes })),
});

export const joinGroup = defineApi({ key: 11, name: "JoinGroup", versions: [0, 9], flexibleFrom: 6, request, response });
