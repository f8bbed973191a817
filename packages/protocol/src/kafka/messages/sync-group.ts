import { defineApi } from "../api.ts";
import { array, bytes, int16, int32, nullable, since, string, struct } from "../schema.ts";

/** 3: static members. 4: flexible. 5: the protocol is named. */
const request = struct({
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: since(3, nullable(string)),
  protocolType: since(5, nullable(string)),
  protocolName: since(5, nullable(string)),
  assignments: array(struct({ memberId: string, assignment: bytes })),
});

const response = struct({
  throttleTimeMs: since(1, int32),
  errorCode: int16,
  protocolType: since(5, nullable(string)),
  protocolName: since(5, nullable(string)),
  assignment: bytes,
});

export const syncGroup = defineApi({ key: 14, name: "SyncGroup", versions: [0, 5], flexibleFrom: 4, request, response });
