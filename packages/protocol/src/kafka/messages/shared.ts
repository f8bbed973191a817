import { array, int32, nullable, string, struct, withDefault } from "../schema.ts";

/** The leader that a client should ask instead (KIP-951). */
export const currentLeader = struct({ leaderId: withDefault(int32, -1), leaderEpoch: withDefault(int32, -1) });

/** Where the leaders named in the same answer are reached. */
export const nodeEndpoints = array(struct({ nodeId: int32, host: string, port: int32, rack: withDefault(nullable(string), null) }));

export const topicPartitions = array(struct({ name: string, partitions: array(int32) }));
