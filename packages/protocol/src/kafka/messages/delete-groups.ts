import { defineApi } from "../api.ts";
import { array, int16, string, struct } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** 2: flexible. */
const request = struct({ groupsNames: array(string) });

const response = struct({ throttleTimeMs, results: array(struct({ groupId: string, errorCode: int16 })) });

export const deleteGroups = defineApi({ key: 42, name: "DeleteGroups", versions: [0, 2], flexibleFrom: 2, request, response });
