import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, bool, int16, int32, int8, nullable, since, string, struct, withDefault } from "../schema.ts";
import { NO_OPERATIONS, throttleTimeMs } from "./shared.ts";

/** KIP-700. 1: brokers or controllers. 2: fenced brokers as well. */
const request = struct({
  includeClusterAuthorizedOperations: bool,
  endpointType: since(1, int8, 1),
  includeFencedBrokers: since(2, bool),
});

const response = struct({
  throttleTimeMs,
  errorCode: int16,
  errorMessage: withDefault(nullable(string), null),
  endpointType: since(1, int8, 1),
  clusterId: string,
  controllerId: withDefault(int32, -1),
  brokers: array(struct({ brokerId: int32, host: string, port: int32, rack: nullable(string), isFenced: since(2, bool) })),
  clusterAuthorizedOperations: withDefault(int32, NO_OPERATIONS),
});

export const describeCluster = defineApi({ key: 60, name: "DescribeCluster", versions: [0, 2], flexibleFrom: 0, request, response });
export type DescribeClusterRequest = Infer<typeof request>;
export type DescribeClusterResponse = Input<typeof response>;
