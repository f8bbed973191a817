import { defineApi } from "../api.ts";
import type { Infer, Input } from "../infer.ts";
import { array, int16, int32, int8, nullable, since, string, struct, withDefault } from "../schema.ts";
import { throttleTimeMs } from "./shared.ts";

/** 1: unclean elections (KIP-460). 2: flexible. */
const request = struct({
  electionType: since(1, int8),
  topicPartitions: nullable(array(struct({ topic: string, partitions: array(int32) }))),
  timeoutMs: withDefault(int32, 60_000),
});

const response = struct({
  throttleTimeMs,
  errorCode: since(1, int16),
  replicaElectionResults: array(
    struct({
      topic: string,
      partitionResult: array(struct({ partitionId: int32, errorCode: int16, errorMessage: nullable(string) })),
    }),
  ),
});

export const electLeaders = defineApi({ key: 43, name: "ElectLeaders", versions: [0, 2], flexibleFrom: 2, request, response });
export type ElectLeadersRequest = Infer<typeof request>;
export type ElectLeadersResponse = Input<typeof response>;
