import { CloseConnection } from "../../api.ts";

/** More than a broker holds; what is asked about each costs time and memory. Groups count alike. */
const PARTITIONS_MAX = 100_000;

/** @returns how many partitions a request is about; topics without any count as one
 * @throws CloseConnection when there are too many */
export function boundPartitions<T>(
  api: string,
  topics: readonly T[],
  partitions: (topic: T) => readonly unknown[],
  most = PARTITIONS_MAX,
): number {
  let count = 0;
  for (const topic of topics) count += Math.max(1, partitions(topic).length);
  if (count > most)
    throw new CloseConnection(`a request of ${api} is about ${count} partitions or groups, and ${most} are the most it may be about`);
  return count;
}
