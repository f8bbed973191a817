/** Bit sets of what a client may do: everything, while there is no authorization. Bit n stands for operation n of Kafka's ACLs: 3 read, 4 write,
 * 5 create, 6 delete, 7 alter, 8 describe, 9 act as the cluster, 10 describe configs, 11 alter configs, 12 write idempotently. */
const bits = (...operations: readonly number[]): number => operations.reduce((set, operation) => set | (1 << operation), 0);

export const ALL_CLUSTER_OPERATIONS = bits(5, 7, 8, 9, 10, 11, 12);
export const ALL_TOPIC_OPERATIONS = bits(3, 4, 5, 6, 7, 8, 10, 11);
