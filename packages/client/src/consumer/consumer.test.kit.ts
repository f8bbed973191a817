import type { FakeCluster } from "../testing/fake-cluster.test.kit.ts";
import type { ConsumerRecord } from "./api.ts";
import type { Consumer } from "./consumer.ts";

export const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => String(from + n));

export async function fill(
  cluster: FakeCluster,
  name: string,
  values: readonly string[],
  options: { partition?: number; batchBytes?: number; timestamp?: number } = {},
): Promise<void> {
  const { partition = 0, batchBytes = 200, timestamp } = options;
  const producer = cluster.client().producer({ batchBytes });
  await cluster.run(
    producer.sendAll(
      name,
      values.map((value, n) => ({ value, partition, ...(timestamp === undefined ? {} : { timestamp: timestamp + n }) })),
    ),
  );
}

/** What the reader is handed until the end, or until it has `count`. */
export async function read(cluster: FakeCluster, consumer: Consumer<ConsumerRecord>, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const values: string[] = [];
  const reading = (async () => {
    if (count === 0) return;
    for await (const { value } of consumer) {
      values.push(Buffer.from(value ?? []).toString());
      if (values.length >= count) break;
    }
  })();
  await cluster.run(reading);
  return values;
}
