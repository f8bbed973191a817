import { defineApi } from "../api.ts";
import { array, int16, int32, nullable, since, string, struct, until } from "../schema.ts";

/** 3: several members at once. 4: flexible. 5: reasons. */
const request = struct({
  groupId: string,
  memberId: until(2, string),
  members: since(3, array(struct({ memberId: string, groupInstanceId: nullable(string), reason: since(5, nullable(string)) }))),
});

const response = struct({
  throttleTimeMs: since(1, int32),
  errorCode: int16,
  members: since(3, array(struct({ memberId: string, groupInstanceId: nullable(string), errorCode: int16 }))),
});

export const leaveGroup = defineApi({ key: 13, name: "LeaveGroup", versions: [0, 5], flexibleFrom: 4, request, response });
