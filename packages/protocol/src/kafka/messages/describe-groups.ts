import { defineApi } from "../api.ts";
import { array, bool, bytes, int16, int32, nullable, since, string, struct } from "../schema.ts";
import { NO_OPERATIONS } from "./shared.ts";

/** 3: authorized operations. 4: static members. 5: flexible. 6: an error for unknown groups. */
const request = struct({ groups: array(string), includeAuthorizedOperations: since(3, bool) });

const response = struct({
  throttleTimeMs: since(1, int32),
  groups: array(
    struct({
      errorCode: int16,
      errorMessage: since(6, nullable(string)),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array(
        struct({
          memberId: string,
          groupInstanceId: since(4, nullable(string)),
          clientId: string,
          clientHost: string,
          memberMetadata: bytes,
          memberAssignment: bytes,
        }),
      ),
      authorizedOperations: since(3, int32, NO_OPERATIONS),
    }),
  ),
});

export const describeGroups = defineApi({ key: 15, name: "DescribeGroups", versions: [0, 6], flexibleFrom: 5, request, response });
