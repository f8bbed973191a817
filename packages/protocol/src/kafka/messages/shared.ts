import { array, int16, int32, int8, nullable, string, struct, uint16, uuid, withDefault } from "../schema.ts";

export const throttleTimeMs = withDefault(int32, 0);

/** "Not asked for", where a bit set of operations is expected. */
export const NO_OPERATIONS = -2147483648;

/** The leader that a client should ask instead (KIP-951). */
export const currentLeader = struct({ leaderId: withDefault(int32, -1), leaderEpoch: withDefault(int32, -1) });

/** Where the leaders named in the same answer are reached. */
export const nodeEndpoints = array(struct({ nodeId: int32, host: string, port: int32, rack: withDefault(nullable(string), null) }));

export const topicPartitions = array(struct({ name: string, partitions: array(int32) }));
export const topicIdPartitions = array(struct({ topicId: uuid, partitions: array(int32) }));

/** How it went for each partition of a commit of offsets or a marker of a transaction. */
export const committedResults = array(struct({ partitionIndex: int32, errorCode: int16 }));

export const listeners = array(struct({ name: string, host: string, port: uint16 }));

export const quotaEntity = array(struct({ entityType: string, entityName: nullable(string) }));

/** What configurations belong to: the error fields come first. */
export const configResources = array(
  struct({ errorCode: int16, errorMessage: nullable(string), resourceType: int8, resourceName: string }),
);
