import { defineApi } from "../api.ts";
import { int16, int32, nullable, since, string, struct } from "../schema.ts";

/** 3: static members. 4: flexible. */
const request = struct({ groupId: string, generationId: int32, memberId: string, groupInstanceId: since(3, nullable(string)) });

const response = struct({ throttleTimeMs: since(1, int32), errorCode: int16 });

export const heartbeat = defineApi({ key: 12, name: "Heartbeat", versions: [0, 4], flexibleFrom: 4, request, response });
