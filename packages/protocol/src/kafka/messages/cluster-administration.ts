import { defineApi } from "../api.ts";
import { array, between, bool, int16, int32, int8, nullable, since, string, struct, until, uuid, withDefault } from "../schema.ts";
import { committedResults, listeners, throttleTimeMs, topicPartitions } from "./shared.ts";

const outcome = { throttleTimeMs, errorCode: int16, errorMessage: nullable(string) };

/** Moves a replica to another directory of its broker. 2: flexible. */
export const alterReplicaLogDirs = defineApi({
  key: 34,
  name: "AlterReplicaLogDirs",
  versions: [0, 2],
  flexibleFrom: 2,
  request: struct({ dirs: array(struct({ path: string, topics: topicPartitions })) }),
  response: struct({ throttleTimeMs, results: array(struct({ topicName: string, partitions: committedResults })) }),
});

/** KIP-584. 1: kinds of change. 2: no outcome for each feature any more. */
export const updateFeatures = defineApi({
  key: 57,
  name: "UpdateFeatures",
  versions: [0, 2],
  flexibleFrom: 0,
  request: struct({
    timeoutMs: withDefault(int32, 60_000),
    featureUpdates: array(
      struct({ feature: string, maxVersionLevel: int16, allowDowngrade: between(0, 0, bool), upgradeType: since(1, int8, 1) }),
    ),
    validateOnly: since(1, bool),
  }),
  response: struct({
    ...outcome,
    results: until(1, array(struct({ feature: string, errorCode: int16, errorMessage: nullable(string) }))),
  }),
});

export const unregisterBroker = defineApi({
  key: 64,
  name: "UnregisterBroker",
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({ brokerId: int32 }),
  response: struct(outcome),
});

/** 1: of every kind; before, of client metrics only. */
export const listConfigResources = defineApi({
  key: 74,
  name: "ListConfigResources",
  versions: [0, 1],
  flexibleFrom: 0,
  request: struct({ resourceTypes: since(1, array(int8)) }),
  response: struct({
    throttleTimeMs,
    errorCode: int16,
    configResources: array(struct({ resourceName: string, resourceType: since(1, int8, 16) })),
  }),
});

/** KIP-853. 1: whether to wait for the commit. */
export const addRaftVoter = defineApi({
  key: 80,
  name: "AddRaftVoter",
  versions: [0, 1],
  flexibleFrom: 0,
  request: struct({
    clusterId: nullable(string),
    timeoutMs: int32,
    voterId: int32,
    voterDirectoryId: uuid,
    listeners,
    ackWhenCommitted: since(1, bool, true),
  }),
  response: struct(outcome),
});

/** KIP-853. */
export const removeRaftVoter = defineApi({
  key: 81,
  name: "RemoveRaftVoter",
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({ clusterId: nullable(string), voterId: int32, voterDirectoryId: uuid }),
  response: struct(outcome),
});
