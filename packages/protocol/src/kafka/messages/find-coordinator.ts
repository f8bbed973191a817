import { defineApi } from "../api.ts";
import { array, between, int16, int32, int8, nullable, since, string, struct, until } from "../schema.ts";

/** 1: of transactions as well. 3: flexible. 4: several at once. 6: of share groups. */
const request = struct({ key: until(3, string), keyType: since(1, int8), coordinatorKeys: since(4, array(string)) });

const response = struct({
  throttleTimeMs: since(1, int32),
  errorCode: until(3, int16),
  errorMessage: between(1, 3, nullable(string)),
  nodeId: until(3, int32),
  host: until(3, string),
  port: until(3, int32),
  coordinators: since(
    4,
    array(struct({ key: string, nodeId: int32, host: string, port: int32, errorCode: int16, errorMessage: nullable(string) })),
  ),
});

export const findCoordinator = defineApi({ key: 10, name: "FindCoordinator", versions: [0, 6], flexibleFrom: 3, request, response });
