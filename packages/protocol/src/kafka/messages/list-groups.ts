import { defineApi } from "../api.ts";
import { array, int16, int32, since, string, struct } from "../schema.ts";

/** 3: flexible. 4: by state. 5: by type. */
const request = struct({ statesFilter: since(4, array(string)), typesFilter: since(5, array(string)) });

const response = struct({
  throttleTimeMs: since(1, int32),
  errorCode: int16,
  groups: array(struct({ groupId: string, protocolType: string, groupState: since(4, string), groupType: since(5, string) })),
});

export const listGroups = defineApi({ key: 16, name: "ListGroups", versions: [0, 5], flexibleFrom: 3, request, response });
